"""Network interfaces of the calling thread's namespace, over netlink.

A netlink object is opened per operation: pyroute2's grow when they live long.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from pyroute2 import IPRoute

from .observed import Address, Link

_NODAD = 0x02
"""IFA_F_NODAD: the address is usable at once."""
_LOOPBACK = 1
"""The loopback's index in every namespace."""


def observe_links() -> dict[str, Link]:
    """Every interface by name."""
    with IPRoute() as route:
        messages = list(route.get_links())
        addresses: dict[int, list[Address]] = {}
        for index, address in _addresses(route.get_addr()):
            addresses.setdefault(index, []).append(address)
    return {
        link.name: link
        for link in (_link(message, addresses.get(message["index"], [])) for message in messages)
    }


def observe_loopback_alias() -> str:
    with IPRoute() as route:
        message = next(iter(route.get_links(_LOOPBACK)))
        return message.get_attr("IFLA_IFALIAS") or ""


def set_loopback_alias(text: str) -> None:
    with IPRoute() as route:
        route.link("set", index=_LOOPBACK, ifalias=text)


def bring_up(name: str, *, mac: str, mtu: int, addresses: tuple[str, ...]) -> None:
    """Configure an interface that is down. Raises NetlinkError (errno in `.code`)."""
    with IPRoute() as route:
        index = route.link_lookup(ifname=name)[0]
        route.link("set", index=index, address=mac, mtu=mtu)
        route.link("set", index=index, state="up")
        for address in map(ipaddress.ip_interface, addresses):
            flags = {"flags": _NODAD} if address.version == 6 else {}
            route.addr(
                "add",
                index=index,
                address=str(address.ip),
                prefixlen=address.network.prefixlen,
                **flags,
            )


def remove(names: set[str]) -> None:
    """Delete those of these interfaces that are there."""
    with IPRoute() as route:
        for name in names:
            for index in route.link_lookup(ifname=name):
                route.link("del", index=index)


def _addresses(messages: Any) -> Iterator[tuple[int, Address]]:
    for message in messages:
        # IFA_LOCAL is the own address where IFA_ADDRESS is the peer's.
        text = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
        address = ipaddress.ip_interface(f"{text}/{message['prefixlen']}")
        if not address.ip.is_link_local:
            yield message["index"], address


def _link(message: Any, addresses: list[Address]) -> Link:
    return Link(
        name=message.get_attr("IFLA_IFNAME"),
        mac=message.get_attr("IFLA_ADDRESS") or "",
        mtu=message.get_attr("IFLA_MTU"),
        addresses=tuple(sorted(addresses, key=lambda address: address.version)),
    )
