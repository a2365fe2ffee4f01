"""Tablets: a pointer that is where the VNC client's is."""

from __future__ import annotations

from virtcrds.view import Input

from .devices import Device, Slot
from .given import Given
from .naming import device_id
from .options import Group


def inputs(given: Given) -> list[Device]:
    return [_tablet(one, index) for index, one in enumerate(wanted_inputs(given))]


def wanted_inputs(given: Given) -> tuple[Input, ...]:
    """The VMI's inputs; one tablet when autoattachInputDevice asks for any."""
    devices = given.devices
    if devices.autoattach_input_device and not devices.inputs:
        return (Input(name="default-0", type="tablet", bus="usb"),)
    return devices.inputs


def _tablet(one: Input, index: int) -> Device:
    virtio = one.bus == "virtio"
    return Device(
        driver="virtio-tablet-pci" if virtio else "usb-tablet",
        id=device_id("input", one.name),
        slot=Slot.PORT if virtio else Slot.USB,
        field=f"spec.domain.devices.inputs[{index}]",
        group=Group.DEVICES,
        why="A pointer that is where the VNC client's is",
    )
