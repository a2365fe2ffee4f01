"""The rules of the masquerade binding. Pure.

What arrives at an address of the pod goes to the guest, wherever it comes from: the pod's network,
a process in the pod, or the guest itself. What the guest sends leaves with the pod's address.
Packets of the guest with any other source than its own are dropped, and so are those to the pod's
loopback addresses, which `route_localnet` would let in.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterator

from .errors import PlumbError, Reason
from .observed import Address, Link
from .ruleset import (
    DROP,
    MASQUERADE,
    Chain,
    Family,
    Table,
    Word,
    as_from,
    destination,
    interface_in,
    interface_out,
    ports,
    source,
    table_name,
    to,
)
from .wanted import Protocol, Wanted

_RAW, _DSTNAT, _SRCNAT = -300, -100, 100
"""Priorities of netfilter's hooks: before connection tracking, and where NAT is done."""
_LOOPBACK = {4: ("127.0.0.1",), 6: ()}
"""What of the pod's loopback leads to the guest. The kernel takes an answer to ::1 from no other
device than the loopback, whatever NAT says: it stays the pod's, where a client is refused at once
and goes on to 127.0.0.1."""
_UNCONFIGURED = {4: ("0.0.0.0",), 6: ("::", "fe80::/10")}
"""Sources of a guest that has no address yet, and of its neighbour discovery."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inside:
    """The guest's own network in one family."""

    gateway: Address
    """Ours, with the prefix."""
    guest: Address
    pod: tuple[str, ...]
    """The pod's addresses in that family."""

    @property
    def version(self) -> int:
        return self.gateway.version


def inside(wanted: Wanted, pod: Link, version: int) -> Inside | None:
    """None when the pod does not have that family.

    Raises PlumbError for a network that is too small, of the other family, or also the pod's.
    """
    addresses = pod.of_version(version)
    if not addresses:
        return None
    network = _network(wanted, version)
    for address in addresses:
        if (
            address.ip in network
        ):  # A wider network of the pod's is no harm: the longer prefix wins.
            raise PlumbError(
                Reason.NETWORK_OVERLAP,
                f"interface {wanted.name!r}: the pod's address {address.ip} is in the guest's"
                f" own network {network}",
                hint="give the guest another network",
            )
    gateway, guest = (
        ipaddress.ip_interface((network.network_address + host, network.prefixlen))
        for host in (1, 2)
    )
    return Inside(gateway=gateway, guest=guest, pod=tuple(str(address.ip) for address in addresses))


def table(wanted: Wanted, net: Inside) -> Table:
    """The rules of one family."""
    family, tap = Family.of(net.version), wanted.tap
    guest, gateway, pod = (
        str(net.guest.ip),
        str(net.gateway.ip),
        [*_LOOPBACK[net.version], *net.pod],
    )
    led = [(*which, to(guest)) for which in _ports(wanted)]
    return Table(
        family=family,
        name=table_name(tap),
        chains=(
            Chain(
                name="guard",
                type="filter",
                hook="prerouting",
                priority=_RAW,
                rules=tuple(_guard(net, tap)),
            ),
            Chain(
                name="prerouting",
                type="nat",
                hook="prerouting",
                priority=_DSTNAT,
                rules=tuple((destination(family, net.pod), *rule) for rule in led),
            ),
            Chain(
                name="output",
                type="nat",
                hook="output",
                priority=_DSTNAT,
                rules=tuple((destination(family, pod), *rule) for rule in led),
            ),
            Chain(
                name="postrouting",
                type="nat",
                hook="postrouting",
                priority=_SRCNAT,
                rules=(
                    # The guest sends no answer to its own address or to a loopback.
                    (
                        interface_out(tap),
                        source(family, [guest, *pod]),
                        as_from(gateway),
                    ),
                    (interface_out(tap, other=True), source(family, [guest]), MASQUERADE),
                ),
            ),
        ),
    )


def _network(wanted: Wanted, version: int) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    text = wanted.ipv4_cidr if version == 4 else wanted.ipv6_cidr
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise _invalid(wanted, str(error)) from error
    if network.version != version:
        raise _invalid(wanted, f"{text} is no IPv{version} network")
    if network.num_addresses < 4:
        raise _invalid(wanted, f"{text} has no room for a gateway and a guest")
    return network


def _invalid(wanted: Wanted, message: str) -> PlumbError:
    return PlumbError(Reason.INVALID_NETWORK, f"interface {wanted.name!r}: {message}")


def _ports(wanted: Wanted) -> Iterator[tuple[Word, ...]]:
    """One match for each protocol with ports; one that matches everything for none listed."""
    if not wanted.ports:
        yield ()
    for protocol in Protocol:
        numbers = sorted({port.number for port in wanted.ports if port.protocol is protocol})
        if numbers:
            yield (ports(protocol, numbers),)


def _guard(net: Inside, tap: str) -> Iterator[tuple[Word, ...]]:
    family = Family.of(net.version)
    own = [str(net.guest.ip), *_UNCONFIGURED[net.version]]
    yield interface_in(tap), source(family, own, other=True), DROP
    if net.version == 4:  # IPv6 itself refuses ::1 from outside.
        yield interface_in(tap), destination(family, ["127.0.0.0/8"]), DROP
