"""What a caller gets: open descriptors, and what the guest is to be told."""

from __future__ import annotations

import dataclasses
import os
from typing import Self


@dataclasses.dataclass(frozen=True, kw_only=True)
class Route:
    destination: str
    """A network, e.g. '10.96.0.0/12'."""
    gateway: str
    """An address; empty: on the link."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lease:
    """What DHCP and router advertisements are to tell the guest. Empty: nothing to tell."""

    ipv4: str = ""
    """The guest's address with its prefix, e.g. '10.0.2.2/24'."""
    ipv4_gateway: str = ""
    ipv4_server: str = ""
    """Our address on the link, where the gateway is not us."""
    ipv6: str = ""
    """E.g. 'fd10:0:2::2/120'. The default route is the sender of the router advertisements."""
    router_mac: str = ""
    """Hardware address of our side of the link."""
    client_mac: str = ""
    """The only hardware address that may have the lease; empty: nobody else is on the link."""
    nameservers: tuple[str, ...] = ()
    """Of both families."""
    searches: tuple[str, ...] = ()
    hostname: str = ""
    mtu: int | None = None
    routes: tuple[Route, ...] = ()
    """IPv4 routes beside the default."""


@dataclasses.dataclass(kw_only=True)
class Sockets:
    """Descriptors on which a guest asks for its addresses, each bound to the tap.

    None where the family is missing.
    """

    dhcp4: int | None = None
    """UDP, port 67."""
    dhcp6: int | None = None
    """UDP, port 547, member of ff02::1:2."""
    ra: int | None = None
    """Raw ICMPv6, router solicitations only, member of ff02::2."""


@dataclasses.dataclass(kw_only=True)
class Connected:
    """One connected interface. Owns its descriptors until `close` or `release`.

    The tap ends with the last copy of its descriptors; the rules stay until `undo`, the next
    `connect`, or the namespace's end.
    """

    name: str
    tap: str
    """Name of the tap in the namespace."""
    tap_fds: tuple[int, ...]
    """One per queue."""
    mac: str
    """The guest's."""
    mtu: int
    pod_addresses: tuple[str, ...]
    """Where the guest is reached: the pod's addresses, IPv4 first, without prefix."""
    ipv4_gateway: str
    ipv6_gateway: str
    """Our addresses on the guest's networks; empty without that family."""
    sockets: Sockets
    lease: Lease

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every descriptor that is still owned."""
        for number in self.release():
            os.close(number)

    def release(self) -> list[int]:
        """Give up every descriptor: the caller closes them."""
        numbers = self.numbers()
        self.tap_fds, self.sockets = (), Sockets()
        return numbers

    def numbers(self) -> list[int]:
        """Every descriptor that is still owned."""
        sockets = (self.sockets.dhcp4, self.sockets.dhcp6, self.sockets.ra)
        return [*self.tap_fds, *(number for number in sockets if number is not None)]
