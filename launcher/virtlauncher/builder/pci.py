"""The PCI topology of q35: one root port per device, in an order that never changes.

Guests name interfaces after these addresses, so NICs come first; conventional PCI devices sit on
the root complex behind the ports. What was once placed stays there: a known place is replayed.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count

from ..errors import Refused
from ..value import Value
from .devices import Device, Place, Slot
from .hotplug import Spare
from .options import Group

ROOT_BUS = "pcie.0"

_PER_SLOT = 8
_FIRST_PORT_SLOT = 2
"""Slot 0 is the host bridge, slot 1 the graphics card."""
_ROOT_SLOTS = range(6, 0x1B)
"""From 0x1b on there are the sound card, the watchdog and q35's own devices."""
_MAX_PORTS = 96
_MAX_SPARE_BUS = 31
"""KubeVirt keeps free ports only below this bus number."""
_PORT_NUMBER = 0x10
_ADDRESS = re.compile(r"0000:([0-9a-f]{2}):([0-9a-f]{2})\.0", re.ASCII | re.IGNORECASE)


class Topology(Value):
    ports: tuple[Device, ...]
    places: Mapping[str, Place]
    """Of every PCI device, by its id; of the ports too."""


def wished_place(address: str) -> Place | None:
    """The place of a `pciAddress` (0000:BB:SS.F), or None for one that this topology lacks."""
    if (match := _ADDRESS.fullmatch(address)) is None:
        return None
    bus, slot = int(match[1], 16), int(match[2], 16)
    if bus == 0:
        return Place(bus=ROOT_BUS, address=_address(slot)) if slot in _ROOT_SLOTS else None
    return _behind(bus) if bus <= _MAX_SPARE_BUS and slot == 0 else None


def guest_address(place: Place) -> str:
    """The inverse: a PCI device's place as a guest writes it."""
    bus = _number(place.bus)
    return f"0000:{bus:02x}:{0 if bus else int(place.address, 16):02x}.0"


def place_pci(devices: Sequence[Device], spare: Spare, known: Mapping[str, Place]) -> Topology:
    """A place for every PCI device of `devices`, and the ports for them.

    Raises Refused when two devices want one place, or when there is no place left.
    """
    devices = [_on_root(one) if spare.on_root else one for one in devices if one.slot.pci]
    places = dict(_given_places(devices, known))
    for device in devices:
        if device.id not in places and device.slot is not Slot.ROOT:
            first = 1 if device.slot is Slot.NIC else _first_other(devices, spare)
            places[device.id] = _free_port(places.values(), first)
    ports = _ports(devices, places, spare, known)
    used = {port.fixed.address.partition(".")[0] for port in ports if port.fixed is not None}
    for device in devices:
        if device.id not in places:
            places[device.id] = _free_root(places.values(), used)
    places |= {port.id: port.fixed for port in ports if port.fixed is not None}
    _check_distinct(devices, places)
    return Topology(ports=tuple(ports), places=places)


def _on_root(device: Device) -> Device:
    return dataclasses.replace(device, slot=Slot.ROOT)


def _given_places(
    devices: Iterable[Device], known: Mapping[str, Place]
) -> Iterator[tuple[str, Place]]:
    for device in devices:
        place = known.get(device.id, device.fixed)
        if place is not None:
            yield device.id, place


def _first_other(devices: Iterable[Device], spare: Spare) -> int:
    return 1 + spare.nic_ports + sum(device.slot is Slot.NIC for device in devices)


def _free_port(taken: Iterable[Place], first: int) -> Place:
    buses = {place.bus for place in taken}
    number = next(number for number in count(first) if f"pci.{number}" not in buses)
    if number > _MAX_PORTS:
        raise Refused(f"the machine has no more than {_MAX_PORTS} PCI Express ports")
    return _behind(number)


def _free_root(taken: Iterable[Place], port_slots: Iterable[str]) -> Place:
    used = {place.address for place in taken if place.bus == ROOT_BUS} | set(port_slots)
    for slot in _ROOT_SLOTS:
        if _address(slot) not in used:
            return Place(bus=ROOT_BUS, address=_address(slot))
    raise Refused("the machine has no slot left for one more conventional PCI device")


def _ports(
    devices: Sequence[Device], places: Mapping[str, Place], spare: Spare, known: Mapping[str, Place]
) -> list[Device]:
    users = {place.bus: device for device in devices if (place := places.get(device.id))}
    occupied = {bus: device for bus, device in users.items() if bus != ROOT_BUS}
    number = max((_number(bus) for bus in occupied), default=0)
    number = max(number, _first_other(devices, spare) - 1)
    before = sum(_number(name) > 0 for name in known)
    number = before if before >= number else number + _extra(number, len(occupied), spare)
    return [_port(n, occupied.get(f"pci.{n}"), spare) for n in range(1, number + 1)]


def _extra(number: int, occupied: int, spare: Spare) -> int:
    wanted = max(spare.total - occupied, spare.free)
    return max(0, min(wanted - spare.nic_ports, _MAX_SPARE_BUS - number))


def _port(number: int, user: Device | None, spare: Spare) -> Device:
    slot, function = divmod(number - 1, _PER_SLOT)
    ejectable = user is None or user.slot is Slot.NIC
    props = {
        "chassis": number,
        "port": _PORT_NUMBER + number - 1,
        "hotplug": spare.hotplug and ejectable,
        "multifunction": function == 0,
    }
    return Device(
        driver="pcie-root-port",
        id=f"pci.{number}",
        slot=Slot.ROOT,
        props=props,
        fixed=Place(bus=ROOT_BUS, address=f"{_address(_FIRST_PORT_SLOT + slot)}.0x{function:x}"),
        group=Group.PCI,
        why=f"The port of {user.id}" if user else "A free port: a device can be plugged later",
    )


def _check_distinct(devices: Iterable[Device], places: Mapping[str, Place]) -> None:
    seen: dict[Place, str] = {}
    port_slots = {place.address.partition(".")[0] for id, place in places.items() if _number(id)}
    for device in devices:
        place = places[device.id]
        if (other := seen.setdefault(place, device.id)) != device.id:
            raise Refused(
                f"{device.id} and {other} both want the PCI address {place}", field=device.field
            )
        if place.bus == ROOT_BUS and place.address in port_slots:
            raise Refused(f"{device.id} wants a PCI slot that root ports fill", field=device.field)


def _behind(number: int) -> Place:
    return Place(bus=f"pci.{number}", address="0x0")


def _number(bus: str) -> int:
    text = bus.removeprefix("pci.")
    return int(text) if text != bus and text.isdigit() else 0


def _address(slot: int) -> str:
    return f"0x{slot:x}"
