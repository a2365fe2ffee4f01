"""Places on the buses below PCI: SATA, SCSI, USB and virtio-serial, in the order of the VMI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import Refused
from .devices import Device, Place, Slot

SCSI_CONTROLLER = "scsi0"
USB_CONTROLLER = "usb"
SERIAL_CONTROLLER = "virtio-serial0"

SATA_PORTS = 6
"""Of one AHCI controller; the first is q35's own, whose buses are ide.0 to ide.5."""
SATA_CONTROLLERS = 5
USB_PORTS = 15
"""What qemu-xhci can have of either speed."""


def place_on_buses(devices: Iterable[Device], known: Mapping[str, Place]) -> dict[str, Place]:
    """A place for every device of `devices` on one of these buses; a known one is replayed."""
    below = [device for device in devices if device.slot in _PLACES]
    places = {device.id: known[device.id] for device in below if device.id in known}
    for device in below:
        if device.id not in places:
            places[device.id] = _free(device, set(places.values()))
    return places


def sata_controller(number: int) -> str:
    """Id of an additional controller, counted from 1."""
    return f"sata{number}"


def _free(device: Device, taken: set[Place]) -> Place:
    place_of, limit = _PLACES[device.slot]
    for number in range(limit):
        if (place := place_of(number)) not in taken:
            return place
    raise Refused(f"the {device.slot} bus takes no more than {limit} devices", field=device.field)


def _sata(number: int) -> Place:
    controller, port = divmod(number, SATA_PORTS)
    prefix = sata_controller(controller) if controller else "ide"
    return Place(bus=f"{prefix}.{port}", address="0")


_PLACES = {
    Slot.SATA: (_sata, SATA_PORTS * SATA_CONTROLLERS),
    Slot.SCSI: (lambda n: Place(bus=f"{SCSI_CONTROLLER}.0", address=str(n)), 256),
    Slot.USB: (lambda n: Place(bus=f"{USB_CONTROLLER}.0", address=str(n + 1)), USB_PORTS),
    Slot.VIRTIO_SERIAL: (lambda n: Place(bus=f"{SERIAL_CONTROLLER}.0", address=str(n + 1)), 30),
}
