"""Every device gets its place: PCI, then the buses below it; what is in a GuestABI is replayed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from ..plan import GuestABI
from ..value import Value
from .buses import place_on_buses
from .devices import Device, Place, Slot
from .hotplug import Spare
from .options import Option
from .pci import place_pci


class Layout(Value):
    ports: tuple[Device, ...]
    """Root ports: on a command line they come before what is plugged into them."""
    devices: Mapping[str, str]
    """QOM id → 'driver@bus/address', as GuestABI keeps it."""

    def place(self, id: str) -> Place:
        return _parsed(self.devices[id])[1]

    def option(self, device: Device) -> Option:
        driver, place = _parsed(self.devices[device.id])
        return dataclasses.replace(device, driver=driver).option(place)


def lay_out(devices: Sequence[Device], spare: Spare, abi: GuestABI | None) -> Layout:
    """Pure. Raises Refused when there is no place, or two devices want the same one."""
    known = {} if abi is None else {id: _parsed(text) for id, text in abi.devices.items()}
    before = {id: place for id, (_, place) in known.items()}
    topology = place_pci(devices, spare, before)
    places = {
        **topology.places,
        **place_on_buses(devices, before),
        **{one.id: _own(one) for one in devices if one.slot is Slot.ELSEWHERE},
    }
    drivers = {one.id: one.driver for one in (*topology.ports, *devices)}
    drivers |= {id: driver for id, (driver, _) in known.items() if id in drivers}
    return Layout(
        ports=topology.ports,
        devices={id: f"{driver}@{places[id]}" for id, driver in drivers.items()},
    )


def _own(device: Device) -> Place:
    return Place(bus=str(device.props.get("bus", "")))


def _parsed(text: str) -> tuple[str, Place]:
    driver, _, place = text.partition("@")
    return driver, Place.parse(place)
