"""Controllers: devices that only carry others, on USB, SCSI, SATA and virtio-serial."""

from __future__ import annotations

from collections.abc import Sequence

from .attached import Attached, Bus, attached_disks
from .buses import (
    SATA_PORTS,
    SCSI_CONTROLLER,
    SERIAL_CONTROLLER,
    USB_CONTROLLER,
    USB_PORTS,
    sata_controller,
)
from .devices import Device, Place, Slot
from .given import Given
from .inputs import wanted_inputs
from .options import Group
from .pci import ROOT_BUS
from .virtio import virtio_driver, virtio_slot


def controllers(given: Given) -> list[Device]:
    attached = attached_disks(given)
    return [
        *_usb(given, attached),
        *_scsi(given, attached),
        _virtio_serial(given),
        *_sata(attached),
    ]


def _usb(given: Given, attached: Sequence[Attached]) -> list[Device]:
    used = any(one.bus != "virtio" for one in wanted_inputs(given))
    if not used and all(one.bus is not Bus.USB for one in attached):
        # An idle controller costs memory and boot time.
        return []
    return [
        Device(
            driver="qemu-xhci",
            id=USB_CONTROLLER,
            slot=Slot.PORT,
            props={"p2": USB_PORTS, "p3": USB_PORTS},
            group=Group.DEVICES,
            why="USB, for tablets and disks on it",
        )
    ]


def _scsi(given: Given, attached: Sequence[Attached]) -> list[Device]:
    if given.devices.disable_hotplug and all(one.bus is not Bus.SCSI for one in attached):
        return []
    return [
        Device(
            driver=virtio_driver(given, "scsi"),
            id=SCSI_CONTROLLER,
            slot=virtio_slot(given),
            group=Group.DISKS,
            why="The bus of SCSI disks, and of disks that are plugged later",
        )
    ]


def _virtio_serial(given: Given) -> Device:
    return Device(
        driver=virtio_driver(given, "serial"),
        id=SERIAL_CONTROLLER,
        slot=virtio_slot(given),
        group=Group.CONSOLE,
        why="Carries the guest agent's port",
    )


def _sata(attached: Sequence[Attached]) -> list[Device]:
    number = sum(one.bus is Bus.SATA for one in attached)
    return [
        Device(
            driver="ich9-ahci",
            id=sata_controller(index),
            slot=Slot.ROOT,
            # Functions of q35's own slot behind its own controller at 1f.2, so that guests find
            # the disks in their order.
            fixed=Place(bus=ROOT_BUS, address=f"0x1f.0x{3 + index:x}"),
            group=Group.DISKS,
            why=f"q35's own controller has {SATA_PORTS} ports",
        )
        for index in range(1, -(-number // SATA_PORTS))
    ]
