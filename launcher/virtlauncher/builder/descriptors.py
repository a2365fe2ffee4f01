"""Numbers for descriptors, and the fdsets through which QEMU opens files: `/dev/fdset/N`.

The numbers follow the VMI's own order, so that a command line is the same text for the same VMI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from virtcrds.view import VirtualMachineInstance

from ..facts import Facts
from ..plan import AGENT, DEBUG_MONITOR, FIRST_FREE, MONITOR, SERIAL, TPM, Descriptor
from ..value import Value
from .options import Group, KeyVal, Option
from .prepared import Prepared


class FdTable(Value):
    numbers: Mapping[str, int]
    """Of every descriptor, by name."""
    sets: Mapping[str, int]
    """The fdset of each descriptor that QEMU opens as a file, by name."""

    @property
    def descriptors(self) -> tuple[Descriptor, ...]:
        return tuple(Descriptor(name=name, number=n) for name, n in self.numbers.items())

    def path(self, name: str) -> str:
        """The file name under which QEMU opens the descriptor's set."""
        return f"/dev/fdset/{self.sets[name]}"

    def inherited(self, name: str) -> str:
        """The file name of the descriptor itself, for what QEMU opens without fdsets."""
        return f"/proc/self/fd/{self.numbers[name]}"

    def options(self) -> list[Option]:
        why = "A file that was opened, and inspected, before QEMU began; QEMU never sees its path"
        return [
            KeyVal(
                "-add-fd",
                {"fd": self.numbers[name], "set": number, "opaque": name},
                Group.PROCESS,
                why,
            )
            for name, number in self.sets.items()
        ]


def table(vmi: VirtualMachineInstance, facts: Facts, prepared: Prepared) -> FdTable:
    """Pure: the same input gives the same numbers."""
    sets = list(_sets(vmi, facts, prepared))
    single = _plain(vmi, facts, prepared)
    free = dict.fromkeys(name for name in chain(chain.from_iterable(sets), single) if name)
    numbers = _fixed(vmi, prepared) | {name: FIRST_FREE + i for i, name in enumerate(free)}
    return FdTable(
        numbers=numbers,
        sets={name: i for i, names in enumerate(sets, start=1) for name in names if name},
    )


def _fixed(vmi: VirtualMachineInstance, prepared: Prepared) -> dict[str, int]:
    serial = vmi.spec.domain.devices.autoattach_serial_console is not False
    return {
        "monitor": MONITOR,
        "debug-monitor": DEBUG_MONITOR,
        **({"serial0": SERIAL} if serial else {}),
        "agent": AGENT,
        **({"tpm": TPM} if prepared.tpm_dir else {}),
    }


def _sets(
    vmi: VirtualMachineInstance, facts: Facts, prepared: Prepared
) -> Iterator[tuple[str, ...]]:
    if facts.kvm_fd:
        yield (facts.kvm_fd,)
    if prepared.firmware is not None:
        yield from ((name,) for name in (prepared.firmware.code_fd, prepared.firmware.vars_fd))
    for disk in vmi.spec.domain.devices.disks:
        if (content := prepared.disks.get(disk.name)) is not None:
            for layer in content.layers:
                yield (layer.readonly_fd, layer.readwrite_fd)


def _plain(vmi: VirtualMachineInstance, facts: Facts, prepared: Prepared) -> list[str]:
    names = []
    if prepared.boot is not None:
        names += [prepared.boot.kernel_fd, prepared.boot.initrd_fd]
    for interface in vmi.spec.domain.devices.interfaces:
        if (nic := facts.nics.get(interface.name)) is not None:
            names += [*nic.fds, *nic.vhost_fds]
    return names
