"""Network interfaces of the calling thread's namespace, over netlink.

A netlink object is opened per operation: pyroute2's grow when they live long.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any, TypeVar

from pyroute2 import IPRoute

from .connected import Route
from .observed import Address, Link

T = TypeVar("T")

_NODAD = 0x02
"""IFA_F_NODAD: the address is usable at once."""
_MAIN, _BY_KERNEL = 254, 2
"""The main routing table, and the origin of routes that come with an address."""
_LOOPBACK = 1
"""The loopback's index in every namespace."""


def observe_links() -> dict[str, Link]:
    """Every interface by name."""
    with IPRoute() as route:
        messages = list(route.get_links())
        addresses = list(_addresses(route.get_addr()))
        routes = list(_routes(route.get_routes(family=socket.AF_INET, table=_MAIN)))
    links = [
        Link(
            name=message.get_attr("IFLA_IFNAME"),
            mac=message.get_attr("IFLA_ADDRESS") or "",
            mtu=message.get_attr("IFLA_MTU"),
            addresses=_of(message["index"], addresses),
            routes=_of(message["index"], routes),
        )
        for message in messages
    ]
    return {link.name: link for link in links}


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
        index = _index(route, name)
        given = {"address": mac} if mac else {}
        route.link("set", index=index, mtu=mtu, **given)
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


def set_mac(name: str, mac: str) -> None:
    with IPRoute() as route:
        route.link("set", index=_index(route, name), address=mac)


def make_bridge(name: str) -> None:
    """A bridge with no ports and nothing to think about; one of that name is replaced."""
    remove({name})
    with IPRoute() as route:
        options = {"br_stp_state": 0, "br_forward_delay": 0, "br_mcast_snooping": 0}
        route.link("add", ifname=name, kind="bridge", **options)


def enslave(name: str, bridge: str) -> None:
    """Make an interface a port that everything is sent to: nobody moves on a link of two."""
    with IPRoute() as route:
        index = _index(route, name)
        route.link("set", index=index, master=_index(route, bridge))
        route.brport("set", index=index, learning=0)


def _index(route: Any, name: str) -> int:
    found = route.link_lookup(ifname=name)
    if not found:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), name)
    index = found[0]
    assert isinstance(index, int)
    return index


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


def _routes(messages: Any) -> Iterator[tuple[int, Route]]:
    for message in messages:
        if message["proto"] == _BY_KERNEL:
            continue
        network = message.get_attr("RTA_DST") or "0.0.0.0"
        destination = f"{network}/{message['dst_len']}"
        gateway = message.get_attr("RTA_GATEWAY") or ""
        yield message.get_attr("RTA_OIF"), Route(destination=destination, gateway=gateway)


def _of(index: int, found: list[tuple[int, T]]) -> tuple[T, ...]:
    return tuple(one for owner, one in found if owner == index)
