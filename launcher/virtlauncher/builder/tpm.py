"""The emulated TPM: swtpm beside QEMU, joined to it by a socket pair."""

from __future__ import annotations

from ..plan import TPM, Descriptor, Helper
from .devices import Device, Slot
from .given import Given
from .options import Group, KeyVal, Option, Scalar

PEER = "tpm-peer"


def has_tpm(given: Given) -> bool:
    tpm = given.devices.tpm
    return tpm is not None and tpm.enabled is not False


def tpm(given: Given) -> list[Option | Device]:
    if not has_tpm(given):
        return []
    socket: dict[str, Scalar] = {"": "socket", "id": "tpm", "fd": given.fds.numbers["tpm"]}
    backend: dict[str, Scalar] = {"": "emulator", "id": "tpm0", "chardev": "tpm"}
    persistent = given.devices.tpm is not None and given.devices.tpm.persistent
    return [
        KeyVal("-chardev", socket, Group.DEVICES, "swtpm's control channel"),
        KeyVal("-tpmdev", backend, Group.DEVICES, "A TPM 2.0 that swtpm emulates"),
        Device(
            driver="tpm-crb" if persistent else "tpm-tis",
            id="tpm-device",
            slot=Slot.ELSEWHERE,
            props={"tpmdev": "tpm0"},
            field="spec.domain.devices.tpm",
            group=Group.DEVICES,
            why="spec.domain.devices.tpm",
        ),
    ]


def swtpm(given: Given) -> tuple[Helper, ...]:
    """The process to start before QEMU; it ends when QEMU closes the channel."""
    if not has_tpm(given):
        return ()
    argv = (
        given.facts.qemu.swtpm,
        "socket",
        "--tpm2",
        "--tpmstate",
        f"dir={given.prepared.tpm_dir}",
        "--ctrl",
        f"type=unixio,clientfd={TPM}",
        "--terminate",
    )
    peer = Descriptor(name=PEER, number=TPM)
    return (Helper(name="swtpm", argv=argv, descriptors=(peer,)),)
