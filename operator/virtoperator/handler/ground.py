"""What this node gives to a VM: QEMU's facts, the accelerator, and devices as descriptors."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path

from virtlauncher.facts import Accel, Qemu
from virtlauncher.jsonable import from_jsonable

from .errors import NotReady

FACTS = Path("/var/run/kubemu/facts/facts.json")
"""Written by an init container of the launcher's image: `virt-launcher-probe --out`."""
FACTS_VERSION = 1
_KVM_BY_DESCRIPTOR = (10, 0, 0)
"""The first QEMU whose `-accel kvm` takes a descriptor."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ground:
    """What was proved on this node."""

    qemu: Qemu
    kvm: bool
    kvm_message: str = ""
    """Why KVM is not usable."""

    @classmethod
    def read(cls, path: Path) -> Ground:
        """Raises NotReady when there are no facts, or none that we understand."""
        try:
            tree = json.loads(path.read_bytes())
            if tree["version"] != FACTS_VERSION:
                raise NotReady(f"{path} has version {tree['version']}, not {FACTS_VERSION}")
            kvm = tree["kvm"]
            return cls(
                qemu=from_jsonable(Qemu, tree["qemu"]),
                kvm=kvm["usable"] is True,
                kvm_message=str(kvm.get("why", "")),
            )
        except FileNotFoundError:
            raise NotReady(f"there is no {path}: the node was not probed") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NotReady(f"{path} is not understood: {error}") from error

    def accelerator(self, use_emulation: bool) -> Accel:
        """Raises NotReady when the node has none that the cluster's configuration allows."""
        if self.kvm:
            return Accel.KVM
        if use_emulation:
            return Accel.TCG
        raise NotReady(
            f"KVM is not usable on this node ({self.kvm_message}) and the KubeVirt object's"
            " developerConfiguration.useEmulation is not set"
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Devices:
    """Where the node's devices are; `/dev` of the node."""

    folder: Path = Path("/dev")

    @contextlib.contextmanager
    def opened(self, *names: str) -> Iterator[list[int]]:
        """Fresh descriptors of devices, closed at the end. Raises NotReady for one that is not
        there.
        """
        with contextlib.ExitStack() as stack:
            found = []
            for name in names:
                try:
                    found.append(os.open(self.folder / name, os.O_RDWR | os.O_CLOEXEC))
                except OSError as error:
                    raise NotReady(f"{self.folder / name}: {error.strerror}") from error
                stack.callback(os.close, found[-1])
            yield found

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()


def kvm_by_descriptor(qemu: Qemu) -> bool:
    """Whether QEMU takes /dev/kvm from us, so that the pod needs no device."""
    return qemu.version >= _KVM_BY_DESCRIPTOR
