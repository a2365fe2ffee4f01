"""The device half of the builder: (VMI, Facts, Prepared) → Plan. Pure; reads top to bottom.

The order of the families is the order in which PCI addresses are given out. It is part of what a
guest sees: append, never reorder.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from virtcrds.view import VirtualMachineInstance

from ..errors import Refused, Unsupported
from ..facts import Facts, Mode
from ..plan import ABI_VERSION, GuestABI, Plan
from . import options
from .blocknodes import throttle_group
from .clock import clock, environment
from .consoles import consoles, has_serial, logs_serial, monitors
from .controllers import controllers
from .cpu import cpu, cpu_value, smp_value
from .descriptors import table
from .devices import Device
from .disks import disk_devices, disks
from .extras import balloon_stats_period, extras
from .firmware import firmware, firmware_kind
from .given import Given, replayed
from .graphics import graphics, has_graphics
from .hotplug import spare_ports
from .inputs import inputs
from .layout import Layout, lay_out
from .limits import disk_limits
from .machine import has_acpi, machine, machine_type, process
from .memory import backend, guest_memory, memory
from .nics import connected_nics, nic_devices, nics
from .options import Explained, Group, Option, Plain
from .prepared import Prepared
from .support import cautions, check_support
from .tpm import swtpm, tpm

DEFAULT_GRACE = 30
"""Seconds; KubeVirt's effective terminationGracePeriodSeconds."""


def plan(
    vmi: VirtualMachineInstance,
    facts: Facts,
    prepared: Prepared,
    now: Callable[[], float] = time.time,
) -> Plan:
    """QEMU's command line and all that the resident must know about it.

    `vmi` is defaulted. `now` (seconds since the epoch) is for a clock with an offset. Raises
    Unsupported for a field that the guest would miss, Refused for one that makes no sense.
    """
    given = _given(vmi, facts, prepared, now())
    layout, command_line = _assembled(given)
    return Plan(
        argv=options.argv(facts.qemu.binary, command_line),
        env=environment(given),
        descriptors=given.fds.descriptors,
        helpers=swtpm(given),
        disks=disk_devices(given),
        nics=nic_devices(given),
        abi=_abi(given, layout),
        incoming=facts.mode is Mode.INCOMING,
        paused=vmi.spec.start_strategy == "Paused",
        acpi=has_acpi(given),
        grace=_grace(vmi),
        balloon_stats_period=balloon_stats_period(given),
        serial=has_serial(given),
        log_serial=logs_serial(given),
        vnc=has_graphics(given),
        io_throttle={throttle_group(name): one for name, one in disk_limits(given).items()},
        warnings=(*prepared.warnings, *cautions(given)),
    )


def explain(
    vmi: VirtualMachineInstance,
    facts: Facts,
    prepared: Prepared,
    now: Callable[[], float] = time.time,
) -> list[Explained]:
    """The options of the same command line in the same order, each with its group and reason."""
    _, command_line = _assembled(_given(vmi, facts, prepared, now()))
    return options.explained(command_line)


def _given(vmi: VirtualMachineInstance, facts: Facts, prepared: Prepared, now: float) -> Given:
    check_support(vmi, facts)
    _check_prepared(vmi, prepared)
    fds = table(vmi, facts, prepared)
    return Given(vmi=vmi, facts=facts, prepared=prepared, fds=fds, abi=replayed(facts), now=now)


def _check_prepared(vmi: VirtualMachineInstance, prepared: Prepared) -> None:
    """What the VMI wants and nobody prepared would otherwise be missing without a word."""
    wanted, tpm = vmi.spec.domain.firmware, vmi.spec.domain.devices.tpm
    loader = wanted.bootloader if wanted is not None else None
    kernel = wanted.kernel_boot if wanted is not None else None
    missing = {
        "spec.domain.firmware.bootloader.efi": (
            loader is not None and loader.efi is not None and prepared.firmware is None
        ),
        "spec.domain.firmware.kernelBoot": (
            kernel is not None and kernel.container is not None and prepared.boot is None
        ),
        "spec.domain.devices.tpm": (
            tpm is not None and tpm.enabled is not False and not prepared.tpm_dir
        ),
    }
    for field, absent in missing.items():
        if absent:
            raise Refused("its files were not prepared", field=field)


def _assembled(given: Given) -> tuple[Layout, list[Option]]:
    parts: list[Option | Device] = [
        *nics(given),
        *controllers(given),
        *disks(given),
        *consoles(given),
        *graphics(given),
        *inputs(given),
        *extras(given),
        *tpm(given),
    ]
    devices = [part for part in parts if isinstance(part, Device)]
    for device in devices:
        _check(device, given.facts)
    layout = lay_out(devices, spare_ports(given), given.abi)
    return layout, [
        *process(given),
        *machine(given),
        *cpu(given),
        *memory(given),
        *clock(given),
        *firmware(given),
        *monitors(given),
        *(layout.option(port) for port in layout.ports),
        *(layout.option(part) if isinstance(part, Device) else part for part in parts),
        *_incoming(given),
    ]


def _check(device: Device, facts: Facts) -> None:
    """Distributions put some of QEMU's devices into packages of their own."""
    known = facts.qemu.devices
    if known and device.driver not in known:
        raise Unsupported(f"this QEMU has no device '{device.driver}'", field=device.field)


def _incoming(given: Given) -> list[Option]:
    if given.facts.mode is not Mode.INCOMING:
        return []
    why = "The guest arrives by migration, when the launcher says from where"
    return [Plain("-incoming", "defer", Group.PROCESS, why)]


def _abi(given: Given, layout: Layout) -> GuestABI:
    connected = connected_nics(given)
    return GuestABI(
        version=ABI_VERSION,
        machine=machine_type(given),
        cpu=cpu_value(given),
        smp=smp_value(given),
        memory=guest_memory(given),
        memory_backend=backend(given),
        devices=layout.devices,
        macs={one.id: one.mac for one in connected},
        host_mtu={one.id: one.host_mtu for one in connected if one.host_mtu is not None},
        firmware=firmware_kind(given),
    )


def _grace(vmi: VirtualMachineInstance) -> int:
    grace = vmi.spec.termination_grace_period_seconds
    return DEFAULT_GRACE if grace is None else max(grace, 0)
