"""Devices before and after they have a place: what a family asks for, and what `-device` says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, assert_never

from ..value import Value
from .options import Group, Json


class Slot(StrEnum):
    """The kind of place that a device needs."""

    NIC = "nic"
    """A PCI Express root port of its own, from which the guest may eject it."""
    PORT = "port"
    """A PCI Express root port of its own."""
    ROOT = "root"
    """The root complex: where QEMU wants conventional PCI devices."""
    SATA = "sata"
    SCSI = "scsi"
    USB = "usb"
    VIRTIO_SERIAL = "virtio-serial"
    ELSEWHERE = "elsewhere"
    """The device names its bus itself, or QEMU has only one for it."""

    @property
    def pci(self) -> bool:
        return self in (Slot.NIC, Slot.PORT, Slot.ROOT)


class Place(Value):
    """Where a device is: a bus and an address on it, both as QEMU spells them."""

    bus: str = ""
    address: str = ""

    def __str__(self) -> str:
        return f"{self.bus}/{self.address}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """The inverse of `str`."""
        bus, _, address = text.partition("/")
        return cls(bus=bus, address=address)


class Device(Value):
    """One `-device`, still without a place."""

    driver: str
    id: str
    slot: Slot
    props: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    fixed: Place | None = None
    """A place that it has by convention, or by the user's wish."""
    field: str = ""
    """Path of the field that asked for it, for a refusal."""
    group: Group
    why: str

    def option(self, place: Place) -> Json:
        tree = {"driver": self.driver, "id": self.id, **_placing(self.slot, place), **self.props}
        return Json("-device", tree, self.group, self.why)


def _placing(slot: Slot, place: Place) -> dict[str, Any]:
    match slot:
        case Slot.NIC | Slot.PORT | Slot.ROOT:
            return {"bus": place.bus, "addr": place.address}
        case Slot.SATA:
            return {"bus": place.bus, "unit": int(place.address)}
        case Slot.SCSI:
            return {"bus": place.bus, "channel": 0, "scsi-id": 0, "lun": int(place.address)}
        case Slot.USB:
            return {"bus": place.bus, "port": place.address}
        case Slot.VIRTIO_SERIAL:
            return {"bus": place.bus, "nr": int(place.address)}
        case Slot.ELSEWHERE:
            return {}
        case _:
            assert_never(slot)
