"""Memory that a launcher's pod needs beside its guest: our own budget, item by item."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

from virtcrds import VirtualMachineInstance
from virtcrds.core.cpu import CPU
from virtcrds.core.devices import Devices
from virtcrds.core.vmi import VirtualMachineInstanceSpec

_MIB = 1 << 20
_TRANSLATED_LEAST, _TRANSLATED_MOST = 32, 256
"""MiB of QEMU's buffer for translated code; the builder's rule for `tb-size`."""


def overhead(
    vmi: VirtualMachineInstance, *, emulated: bool, ratio: float = 1, guaranteed: int = 0
) -> int:
    """Bytes that the pod of this (defaulted) VMI needs beyond the guest's own memory.

    `ratio` is `additionalGuestMemoryOverheadRatio`, `guaranteed` what the caller adds itself.
    What the user reserved (`memory.reservedOverhead`) is in it.
    """
    needed = sum(budget(vmi, emulated=emulated).values()) + guaranteed
    return math.ceil(needed * Decimal(str(ratio)))


def budget(vmi: VirtualMachineInstance, *, emulated: bool) -> Mapping[str, int]:
    """Bytes by what they are for.

    `bench/memory.py` measured, under emulation: QEMU beside the guest's memory and its buffer for
    translated code 43 MB, the resident 12 MB, a virtual CPU less than the noise; the builder and
    qemu-img peak at 35 MB before QEMU starts. What is added is for what no process's PSS shows
    (page tables, sockets, logs and seeds in memory), for load, and for people who look inside.
    """
    spec = vmi.spec
    amounts = {
        "QEMU and its launcher": 80 * _MIB,
        "virtual CPUs": 3 * _MIB * vcpus(spec),
        "page tables": guest_memory(spec) // 512,
        **_devices(spec.domain.devices),
    }
    if emulated:
        amounts["translated code"] = translated(guest_memory(spec)) + 16 * _MIB
    if spec.domain.io_threads_policy or any(
        disk.dedicated_io_thread for disk in spec.domain.devices.disks
    ):
        amounts["I/O threads"] = 8 * _MIB
    if spec.domain.launch_security is not None:
        amounts["encrypted memory"] = 256 * _MIB
    memory = spec.domain.memory
    if memory is not None and (reserved := memory.reserved_overhead):
        amounts["reserved by the user"] = (
            reserved.added_overhead.value if reserved.added_overhead else 0
        )
    return amounts


def _devices(devices: Devices) -> dict[str, int]:
    # A qcow2 overlay's cache of its tables grows with the disk, to a bound.
    amounts = {"disks": 4 * _MIB * len(devices.disks)}
    if devices.autoattach_graphics_device is not False:
        amounts["graphics, looked at"] = 16 * _MIB
    if devices.tpm is not None and devices.tpm.enabled is not False:
        amounts["TPM"] = 24 * _MIB
    if devices.gpus or devices.host_devices:
        # VFIO maps the devices' memory windows, and pins tables for them.
        amounts["host devices"] = 1024 * _MIB
    return amounts


def translated(guest: int) -> int:
    """Bytes of the translation buffer that the builder asks QEMU for."""
    mib = guest // 8 // _MIB
    return max(_TRANSLATED_LEAST, min(mib, _TRANSLATED_MOST)) * _MIB


def vcpus(spec: VirtualMachineInstanceSpec) -> int:
    """Virtual CPUs at boot; a count that is left open is one."""
    cpu = spec.domain.cpu or CPU()
    return max(cpu.sockets, 1) * max(cpu.cores, 1) * max(cpu.threads, 1)


def guest_memory(spec: VirtualMachineInstanceSpec) -> int:
    """Bytes of the (defaulted) guest's memory."""
    memory = spec.domain.memory
    return memory.guest.value if memory is not None and memory.guest is not None else 0
