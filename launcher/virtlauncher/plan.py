"""The builder's result: everything the resident needs to start QEMU, and nothing else.

A plan is data. Descriptor numbers are fixed by the plan (from 100 up), so that a command line is
the same text for the same input; the resident moves each named descriptor to its number.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from .jsonable import from_jsonable, to_jsonable
from .value import Value

MONITOR, DEBUG_MONITOR, SERIAL, AGENT, TPM = 100, 101, 102, 103, 104
"""Descriptors that the resident makes itself: names 'monitor' (socketpair), 'debug-monitor'
(bound listener), 'serial0', 'agent', 'tpm' (socketpairs)."""
FIRST_FREE = 110
"""Lowest number for descriptors that the builder opened or the starter handed over."""


class Descriptor(Value):
    name: str
    """E.g. 'monitor', 'tap0', 'disk/root/rw'."""
    number: int


class Helper(Value):
    """A process that must run before QEMU, e.g. swtpm. Its end is QEMU's end."""

    name: str
    argv: tuple[str, ...]
    descriptors: tuple[Descriptor, ...] = ()
    """Resident-made socketpair's other half carries the name + '-peer' (e.g. 'tpm-peer')."""


class DiskDevice(Value):
    """One disk as the guest sees it, for status, hotplug and resize."""

    volume: str
    device: str
    """QOM id of the -device."""
    node: str
    """Top block node."""
    target: str
    """vda, sda, ... as KubeVirt names it in volumeStatus."""
    bus: str
    size: int
    """Bytes the guest sees."""
    format: str
    readonly: bool
    files: tuple[str, ...] = ()
    """Paths made for this disk only (overlay, ISO): deleted with the VM."""


class NicDevice(Value):
    name: str
    device: str
    netdev: str
    mac: str
    queues: int = 1
    link: str = "up"


ABI_VERSION = 1
"""The newest GuestABI that we read, and the one that we write."""


class GuestABI(Value):
    """What QEMU became, versioned: replayed for an incoming migration and after an upgrade."""

    version: int = 1
    machine: str
    cpu: str
    """The -cpu value, model and flags."""
    smp: str
    memory: int
    """Bytes at boot."""
    memory_backend: str
    devices: Mapping[str, str]
    """QOM id -> 'driver@bus/addr'."""
    macs: Mapping[str, str]
    host_mtu: Mapping[str, int]
    firmware: str
    """'bios', 'efi', 'efi-secure' or 'kernel'."""


class Plan(Value):
    argv: tuple[str, ...]
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Added to a minimal environment (e.g. TZ for a timezone clock)."""
    descriptors: tuple[Descriptor, ...] = ()
    helpers: tuple[Helper, ...] = ()
    disks: tuple[DiskDevice, ...] = ()
    nics: tuple[NicDevice, ...] = ()
    abi: GuestABI
    incoming: bool = False
    paused: bool = False
    """startStrategy Paused: no `cont` after the start."""
    acpi: bool = True
    grace: int = 30
    """terminationGracePeriodSeconds, effective."""
    balloon_stats_period: int = 0
    """Seconds between the guest's memory statistics; 0: no balloon."""
    serial: bool = True
    log_serial: bool = True
    vnc: bool = True
    io_throttle: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)
    """Throttle group -> its limits, as the command line sets them: `qom-set` changes them live."""
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        tree = to_jsonable(self)
        assert isinstance(tree, dict)
        return tree

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Plan:
        """Unknown keys are ignored; raises ValueError naming a missing or bad one."""
        return from_jsonable(cls, tree)
