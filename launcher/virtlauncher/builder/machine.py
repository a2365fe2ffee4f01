"""The machine itself: versioned q35, its accelerator, and how QEMU behaves as a process."""

from __future__ import annotations

from ..errors import Unsupported
from .given import Given
from .memory import guest_memory
from .options import Group, KeyVal, Option, Plain, Scalar

DEFAULT_MACHINE = "q35"
MACHINE_FIELD = "spec.domain.machine.type"

_MIB = 1 << 20
_SMALLEST_BUFFER, _LARGEST_BUFFER = 32, 256
_SANDBOX: dict[str, Scalar] = {
    "": True,
    "obsolete": "deny",
    "elevateprivileges": "deny",
    "spawn": "deny",
    "resourcecontrol": "deny",
}


def machine_type(given: Given) -> str:
    """The versioned type: an alias means another machine with every QEMU.

    Raises Unsupported for a machine that this QEMU does not have.
    """
    if given.abi is not None:
        return given.abi.machine
    qemu, wanted = given.facts.qemu, given.domain.machine and given.domain.machine.type
    name = qemu.machine_aliases.get(wanted or DEFAULT_MACHINE, wanted or DEFAULT_MACHINE)
    if qemu.machines and name not in qemu.machines:
        raise Unsupported(f"this QEMU has no machine '{name}'", field=MACHINE_FIELD)
    return name


def process(given: Given) -> list[Option]:
    """How QEMU runs, whatever the machine is."""
    meta = given.vmi.metadata
    name: dict[str, Scalar] = {"guest": f"{meta.namespace or 'default'}_{meta.name}"}
    if given.facts.qemu.version < (11, 0, 0):
        # From version 11 on this is always so, and no option any more.
        name["debug-threads"] = True
    return [
        KeyVal("-name", name, Group.PROCESS, "QEMU's threads carry the names of what they do"),
        Plain("-S", None, Group.PROCESS, "No instruction runs before the launcher says so"),
        Plain("-no-user-config", None, Group.PROCESS, "No file of this machine changes the VM"),
        Plain("-nodefaults", None, Group.PROCESS, "No device that is not in this list"),
        KeyVal("-sandbox", _SANDBOX, Group.PROCESS, "A QEMU that was taken over starts nothing"),
        KeyVal("-action", _actions(given), Group.PROCESS, "What ends the VM, and what does not"),
        *given.fds.options(),
    ]


def machine(given: Given) -> list[Option]:
    values: dict[str, Scalar] = {
        "": machine_type(given),
        "usb": False,
        "vmport": False,
        "dump-guest-core": False,
    }
    options: list[Option] = [
        KeyVal("-machine", values, Group.MACHINE, "q35, by the version it stays for its life"),
        _accelerator(given),
    ]
    acpi, smm = given.features.acpi, given.features.smm
    if acpi is not None and acpi.enabled is False:
        options.append(_switch("acpi", False, "features.acpi is off"))
    secure = given.prepared.firmware is not None and given.prepared.firmware.secure
    if secure or (smm is not None and smm.enabled is not False):
        options.append(_switch("smm", True, "Secure boot and features.smm need it"))
    return options


def has_acpi(given: Given) -> bool:
    """Whether the guest can hear a power button."""
    acpi = given.features.acpi
    return acpi is None or acpi.enabled is not False


def _switch(name: str, on: bool, why: str) -> Option:
    return KeyVal("-machine", {name: on}, Group.MACHINE, why)


def _accelerator(given: Given) -> Option:
    if not given.kvm:
        values: dict[str, Scalar] = {"": "tcg", "tb-size": _buffer(guest_memory(given))}
        why = "Emulation, with a bound for translated code: QEMU's own would be 1 GiB"
        return KeyVal("-accel", values, Group.MACHINE, why)
    device = given.facts.kvm_fd
    values = {"": "kvm", **({"device": given.fds.path(device)} if device else {})}
    return KeyVal("-accel", values, Group.MACHINE, "The CPU's own virtualisation")


def _buffer(memory: int) -> int:
    """MiB for translated code: an eighth of the guest's memory, within bounds."""
    return max(_SMALLEST_BUFFER, min(memory // 8 // _MIB, _LARGEST_BUFFER))


def _actions(given: Given) -> dict[str, Scalar]:
    watchdog = given.devices.watchdog
    device = watchdog.i6300esb if watchdog else None
    return {
        "reboot": "shutdown" if given.domain.reboot_policy == "Terminate" else "reset",
        "shutdown": "poweroff",
        "panic": "shutdown",
        "watchdog": (device.action if device else "") or "reset",
    }
