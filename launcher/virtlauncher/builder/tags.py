"""What a config drive says of tagged interfaces: which is which, by address and MAC.

It is written before the rest of the machine is known. Interfaces are placed first, and only what
has a place by the user's wish can stand in their way: with that, the layout is what it will be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from virtcrds.view import VirtualMachineInstance

from ..facts import Facts
from .devices import Device, Slot
from .given import Given, on_paper
from .hotplug import spare_ports
from .layout import lay_out
from .naming import device_id
from .nics import cards, connected_nics
from .options import Group
from .pci import guest_address, wished_place


def tagged_devices(vmi: VirtualMachineInstance, facts: Facts) -> list[dict[str, Any]]:
    """Entries of `devices` in OpenStack's meta_data.json, in the order of the VMI."""
    if not any(nic.tag for nic in vmi.spec.domain.devices.interfaces):
        return []
    given = on_paper(vmi, facts)
    layout = lay_out([*cards(given), *_wished_disks(given)], spare_ports(given), given.abi)
    return [
        {
            "type": "nic",
            "bus": "pci",
            "address": guest_address(layout.place(one.id)),
            "mac": one.mac,
            "tags": [one.interface.tag],
        }
        for one in connected_nics(given)
        if one.interface.tag
    ]


def _wished_disks(given: Given) -> Iterator[Device]:
    for disk in given.devices.disks:
        if disk.disk is not None and disk.disk.pci_address:
            id, place = device_id("disk", disk.name), wished_place(disk.disk.pci_address)
            yield Device(
                driver="", id=id, slot=Slot.PORT, fixed=place, group=Group.DISKS, why="Its wish"
            )
