"""Devices of disks, LUNs and CD-ROM drives, above their block nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, assert_never

from ..errors import Refused
from ..plan import DiskDevice
from .attached import Attached, Bus, Kind, attached_disks
from .blocknodes import block_nodes, top_node
from .boot import boot_indexes
from .devices import Device, Slot
from .given import Given
from .iothreads import io_threads
from .limits import disk_limits
from .options import Group, Option
from .pci import wished_place
from .virtio import virtio_driver, virtio_slot

_ERRORS = {
    "": {"werror": "stop", "rerror": "stop"},
    "stop": {"werror": "stop", "rerror": "stop"},
    "report": {"werror": "report", "rerror": "report"},
    "ignore": {"werror": "ignore", "rerror": "ignore"},
    # Only a full disk stops the guest; QEMU knows this of writes alone.
    "enospace": {"werror": "enospc", "rerror": "report"},
}
_WRITE_CACHE = {"none": "on", "writeback": "on", "writethrough": "off"}


def disks(given: Given) -> list[Option | Device]:
    """I/O threads, block nodes and devices of every disk."""
    attached = attached_disks(given)
    threads = io_threads(given, [one.disk.name for one in attached if one.bus is Bus.VIRTIO])
    limits, order = disk_limits(given), boot_indexes(given)
    parts: list[Option | Device] = [*threads.options()]
    for one in attached:
        name = one.disk.name
        _check(one)
        if one.content is not None:
            parts += block_nodes(
                one.content, given.fds, readonly=one.readonly, limits=limits.get(name)
            )
        props = dict(_props(given, one, limited=name in limits))
        if one.bus is Bus.VIRTIO:
            props |= threads.props(name)
        if (bootindex := order.get(f"disks/{name}")) is not None:
            props["bootindex"] = bootindex
        parts += _devices(given, one, props)
    return parts


def disk_devices(given: Given) -> tuple[DiskDevice, ...]:
    """What the plan says about the disks that have content."""
    limits = disk_limits(given)
    return tuple(
        DiskDevice(
            volume=one.disk.name,
            device=one.id,
            node=top_node(one.disk.name, limited=one.disk.name in limits),
            target=one.target,
            bus=one.bus,
            size=one.content.size,
            format=one.content.layers[0].format,
            readonly=one.readonly,
            files=one.content.made,
        )
        for one in attached_disks(given)
        if one.content is not None
    )


def _check(one: Attached) -> None:
    if one.kind is Kind.DISK and one.bus is Bus.SATA and one.readonly:
        raise Refused(
            "a SATA hard disk cannot be read-only",
            field=one.field,
            hint="attach it as a cdrom, or on bus virtio, scsi or usb",
        )
    content = one.content
    if content is not None and not one.readonly and not content.layers[0].readwrite_fd:
        raise Refused(f"the volume '{one.disk.name}' can only be read", field=one.field)


def _devices(given: Given, one: Attached, props: Mapping[str, Any]) -> list[Device]:
    why = f"{one.field}: {one.target} on {one.bus}"
    if one.kind is Kind.CDROM and one.bus is Bus.USB:
        bridge = Device(
            driver="usb-bot",
            id=f"{one.id}-bridge",
            slot=Slot.USB,
            field=one.field,
            group=Group.DISKS,
            why="A USB bridge: usb-storage itself can only be a hard disk",
        )
        props = {"bus": f"{bridge.id}.0", **props}
        return [bridge, _device("scsi-cd", one, Slot.ELSEWHERE, props, why)]
    fixed = None
    if one.disk.disk is not None and one.disk.disk.pci_address:
        fixed = wished_place(one.disk.disk.pci_address)
    return [_device(_driver(given, one), one, _slot(given, one), props, why, fixed)]


def _driver(given: Given, one: Attached) -> str:
    match one.bus:
        case Bus.VIRTIO:
            return virtio_driver(given, "blk")
        case Bus.SATA:
            return "ide-cd" if one.kind is Kind.CDROM else "ide-hd"
        case Bus.SCSI:
            return {Kind.DISK: "scsi-hd", Kind.CDROM: "scsi-cd", Kind.LUN: "scsi-block"}[one.kind]
        case Bus.USB:
            return "usb-storage"
        case _:
            assert_never(one.bus)


def _slot(given: Given, one: Attached) -> Slot:
    if one.bus is Bus.VIRTIO:
        return virtio_slot(given)
    return {Bus.SATA: Slot.SATA, Bus.SCSI: Slot.SCSI, Bus.USB: Slot.USB}[one.bus]


def _props(given: Given, one: Attached, *, limited: bool) -> Iterator[tuple[str, Any]]:
    disk, hard = one.disk, one.kind is Kind.DISK
    if one.content is not None:
        yield "drive", top_node(disk.name, limited=limited)
        yield from _ERRORS[disk.error_policy or ""].items()
    if disk.serial and one.kind is not Kind.LUN:
        yield "serial", disk.serial
    if disk.shareable:
        yield "share-rw", True
    if hard and not one.readonly:
        yield "write-cache", _WRITE_CACHE[_cache(one)]
    if hard and one.bus is Bus.USB:
        yield "removable", False
    if hard and one.bus is Bus.VIRTIO and given.devices.block_multi_queue:
        yield "num-queues", given.vcpus
    custom = disk.block_size.custom if disk.block_size is not None else None
    if hard and custom is not None:
        yield "logical_block_size", custom.logical
        yield "physical_block_size", custom.physical
        if custom.discard_granularity is not None:
            yield "discard_granularity", custom.discard_granularity


def _cache(one: Attached) -> str:
    """KubeVirt's choice: without the host's cache where the storage can, else write-through."""
    if one.disk.cache:
        return one.disk.cache
    direct = one.content is not None and one.content.direct
    return "none" if direct or one.disk.shareable else "writethrough"


def _device(
    driver: str, one: Attached, slot: Slot, props: Mapping[str, Any], why: str, fixed: Any = None
) -> Device:
    return Device(
        driver=driver,
        id=one.id,
        slot=slot,
        props=props,
        fixed=fixed,
        field=one.field,
        group=Group.DISKS,
        why=why,
    )
