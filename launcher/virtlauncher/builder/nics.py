"""Network interfaces: one device and one netdev each, in the order of the VMI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from virtcrds.view import Interface

from ..errors import Refused
from ..facts import Nic, NicKind
from ..plan import NicDevice
from ..value import Value
from .boot import boot_indexes
from .devices import Device, Place, Slot
from .given import Given
from .naming import device_id
from .options import Group, Json, Option
from .pci import wished_place
from .usernet import user_netdev
from .virtio import virtio_driver, virtio_slot

EXPRESS_MODELS = ("e1000e", "igb")
"""Emulated cards of PCI Express; the others are conventional PCI."""


class Connected(Value):
    """One interface of the VMI with how it is connected."""

    interface: Interface
    field: str
    nic: Nic
    mac: str
    host_mtu: int | None

    @property
    def id(self) -> str:
        return device_id("nic", self.interface.name)

    @property
    def netdev(self) -> str:
        return device_id("net", self.interface.name)

    @property
    def virtio(self) -> bool:
        return self.interface.model in ("", "virtio")

    @property
    def queues(self) -> int:
        return max(len(self.nic.fds), 1)


def connected_nics(given: Given) -> list[Connected]:
    """The interfaces that are to be there. Raises Refused for one that nothing connects."""
    return [
        _connected(given, interface, f"spec.domain.devices.interfaces[{index}]")
        for index, interface in enumerate(given.devices.interfaces)
        if interface.state != "absent"
    ]


def nics(given: Given) -> list[Option | Device]:
    parts: list[Option | Device] = []
    for index, (one, card) in enumerate(zip(connected_nics(given), cards(given), strict=True)):
        parts += [_netdev(given, one, index), card]
    return parts


def cards(given: Given) -> list[Device]:
    """The devices of `connected_nics`."""
    order = boot_indexes(given)
    return [
        _device(given, one, order.get(f"interfaces/{one.interface.name}"))
        for one in connected_nics(given)
    ]


def nic_devices(given: Given) -> tuple[NicDevice, ...]:
    return tuple(
        NicDevice(
            name=one.interface.name,
            device=one.id,
            netdev=one.netdev,
            mac=one.mac,
            queues=one.queues,
            link="down" if one.interface.state == "down" else "up",
        )
        for one in connected_nics(given)
    )


def nic_driver(given: Given, interface: Interface) -> str:
    model = interface.model
    return virtio_driver(given, "net") if model in ("", "virtio") else model


def _connected(given: Given, interface: Interface, field: str) -> Connected:
    nic, id = given.facts.nics.get(interface.name), device_id("nic", interface.name)
    if nic is None:
        raise Refused(f"nothing connects the interface '{interface.name}'", field=field)
    mac, mtu = nic.mac, nic.mtu
    if given.abi is not None:
        mac, mtu = given.abi.macs.get(id, mac), given.abi.host_mtu.get(id)
    return Connected(interface=interface, field=field, nic=nic, mac=mac, host_mtu=mtu)


def _netdev(given: Given, one: Connected, index: int) -> Option:
    if one.nic.kind is NicKind.USER:
        why = "QEMU's own user-mode network; its ports are forwarded"
        return Json("-netdev", user_netdev(given, one.netdev, one.nic, index), Group.NETWORK, why)
    tree: dict[str, Any] = {"type": "tap", "id": one.netdev, **_fds("fd", given, one.nic.fds)}
    if one.nic.vhost_fds:
        tree |= {"vhost": True, **_fds("vhostfd", given, one.nic.vhost_fds)}
    return Json("-netdev", tree, Group.NETWORK, "A tap device that was opened for the VM")


def _fds(key: str, given: Given, names: tuple[str, ...]) -> dict[str, str]:
    numbers = [str(given.fds.numbers[name]) for name in names]
    return {key: numbers[0]} if len(numbers) == 1 else {f"{key}s": ":".join(numbers)}


def _device(given: Given, one: Connected, bootindex: int | None) -> Device:
    express = one.interface.model in EXPRESS_MODELS
    slot = virtio_slot(given, Slot.NIC) if one.virtio else Slot.NIC if express else Slot.ROOT
    return Device(
        driver=nic_driver(given, one.interface),
        id=one.id,
        slot=slot,
        props=dict(_props(one, bootindex)),
        fixed=_wished(one),
        field=one.field,
        group=Group.NETWORK,
        why=one.field,
    )


def _props(one: Connected, bootindex: int | None) -> Iterator[tuple[str, Any]]:
    yield "netdev", one.netdev
    yield "mac", one.mac
    if one.virtio and one.host_mtu is not None:
        # The one property of this device that QEMU spells with an underscore.
        yield "host_mtu", one.host_mtu
    if one.virtio and one.queues > 1:
        # A vector for each direction of a queue, one for control and one for changes.
        yield from {"mq": True, "vectors": 2 * one.queues + 2}.items()
    if bootindex is None:
        # No boot ROM: it costs memory and time, and nobody asked to boot from the network.
        yield "romfile", ""
    else:
        yield "bootindex", bootindex
    if one.interface.acpi_index:
        yield "acpi-index", one.interface.acpi_index


def _wished(one: Connected) -> Place | None:
    address = one.interface.pci_address
    return wished_place(address) if address else None
