"""From what is there and what is wanted to the steps that connect it. Pure.

Plan.steps, in order: each can be undone, and a crash between any two leaves nothing that the
next plan's steps do not replace.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterator
from typing import assert_never

from . import masquerade, settings
from .connected import Lease
from .errors import PlumbError, Reason
from .masquerade import Inside
from .observed import Link, Observed
from .ruleset import Table
from .wanted import Binding, Resolver, Wanted

ROUTER_MAC = "02:00:00:00:00:00"
"""Of every tap: a guest that moves to another pod finds the router it knows in its caches."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class OpenTap:
    """Make the tap and open a descriptor per queue. Its last descriptor's end is its own."""

    tap: str
    queues: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConfigureTap:
    """Give the tap what it needs and bring it up."""

    tap: str
    mac: str
    mtu: int
    addresses: tuple[str, ...]
    """With prefixes."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Remember:
    """Write down what the namespace's settings were; empty: forget it (settings.py)."""

    text: str
    before: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Write:
    """Change a setting. `before` is None for one that ends with the tap."""

    setting: str
    value: str
    before: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoadRules:
    """Put these tables in the place of ours, in one transaction."""

    tables: tuple[Table, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class OpenSockets:
    """Open the sockets on which the guest asks for its addresses."""

    tap: str
    ipv4: bool
    ipv6: bool


Step = OpenTap | ConfigureTap | Remember | Write | LoadRules | OpenSockets


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """How one interface is connected, and what its `Connected` will say."""

    wanted: Wanted
    mtu: int
    pod_addresses: tuple[str, ...]
    lease: Lease
    ipv6_gateway: str
    steps: tuple[Step, ...]


def plan(observed: Observed, wanted: Wanted, resolver: Resolver) -> Plan:
    """Raises PlumbError when the namespace is not one in which this can be connected."""
    pod = _pod_device(observed, wanted)
    if wanted.tap in observed.links:
        raise PlumbError(
            Reason.INTERFACE_IN_USE,
            f"interface {wanted.name!r}: {wanted.tap} is there, and belongs to whoever has it open",
            hint="a running guest is connected already; end it before it is connected again",
        )
    match wanted.binding:
        case Binding.MASQUERADE:
            return _masquerade(observed, wanted, pod, resolver)
        case Binding.BRIDGE:
            raise PlumbError(
                Reason.INVALID_NETWORK, f"interface {wanted.name!r}: no bridge binding yet"
            )
        case _:
            assert_never(wanted.binding)


def _pod_device(observed: Observed, wanted: Wanted) -> Link:
    pod = observed.links.get(wanted.pod_device)
    if pod is None or not pod.addresses:
        what = "has no address" if pod else "is not there"
        raise PlumbError(
            Reason.POD_DEVICE_MISSING,
            f"interface {wanted.name!r}: {wanted.pod_device} {what} in the pod's namespace",
            hint="the pod's network is made by the node's CNI plugin",
        )
    return pod


def _masquerade(observed: Observed, wanted: Wanted, pod: Link, resolver: Resolver) -> Plan:
    nets = [net for v in (4, 6) if (net := masquerade.inside(wanted, pod, v))]
    by_version = {net.version: net for net in nets}
    ipv4, ipv6 = by_version.get(4), by_version.get(6)
    mtu = wanted.mtu or pod.mtu
    return Plan(
        wanted=wanted,
        mtu=mtu,
        pod_addresses=tuple(address for net in nets for address in net.pod),
        lease=Lease(
            ipv4=str(ipv4.guest) if ipv4 else "",
            ipv4_gateway=str(ipv4.gateway.ip) if ipv4 else "",
            ipv6=str(ipv6.guest) if ipv6 else "",
            router_mac=ROUTER_MAC,
            nameservers=_reachable(resolver, by_version),
            searches=resolver.searches,
            hostname=wanted.hostname,
            mtu=mtu,
        ),
        ipv6_gateway=str(ipv6.gateway.ip) if ipv6 else "",
        steps=(
            OpenTap(tap=wanted.tap, queues=wanted.queues),
            *_tap_settings(observed, wanted.tap, ipv4=bool(ipv4), ipv6=bool(ipv6)),
            ConfigureTap(
                tap=wanted.tap,
                mac=ROUTER_MAC,
                mtu=mtu,
                addresses=tuple(str(net.gateway) for net in nets),
            ),
            *_namespace_settings(observed, pod, by_version),
            LoadRules(tables=tuple(masquerade.table(wanted, net) for net in nets)),
            OpenSockets(tap=wanted.tap, ipv4=bool(ipv4), ipv6=bool(ipv6)),
        ),
    )


def _reachable(resolver: Resolver, nets: dict[int, Inside]) -> tuple[str, ...]:
    """The name servers that a guest with these families can ask: not those of the pod's own."""
    return tuple(
        str(server)
        for server in map(ipaddress.ip_address, resolver.nameservers)
        if server.version in nets and not server.is_loopback and not server.is_link_local
    )


def _tap_settings(observed: Observed, tap: str, *, ipv4: bool, ipv6: bool) -> Iterator[Step]:
    if ipv4:
        # Answers to processes of the pod that asked at 127.0.0.1 come in from the tap.
        yield Write(setting=f"net/ipv4/conf/{tap}/route_localnet", value="1")
        yield Write(setting=f"net/ipv4/conf/{tap}/accept_redirects", value="0")
    if settings.FORWARD_IPV6 in observed.settings:
        yield Write(setting=f"net/ipv6/conf/{tap}/disable_ipv6", value="0" if ipv6 else "1")
    if ipv6:
        # Our addresses are the only ones of the link, and usable at once; its router is us.
        yield Write(setting=f"net/ipv6/conf/{tap}/addr_gen_mode", value="0")
        for setting in ("accept_dad", "accept_ra", "accept_redirects"):
            yield Write(setting=f"net/ipv6/conf/{tap}/{setting}", value="0")


def _namespace_settings(observed: Observed, pod: Link, nets: dict[int, Inside]) -> Iterator[Step]:
    wanted: dict[str, str] = {}
    if 4 in nets:
        wanted[settings.FORWARD_IPV4] = "1"
    if 6 in nets:
        accept_ra = settings.accept_ra(pod.name)
        if observed.settings.get(accept_ra) == "1":
            # A kernel that forwards takes no more routes from advertisements, unless this is 2.
            wanted[accept_ra] = "2"
        wanted[settings.FORWARD_IPV6] = "1"
    changes = {name: value for name, value in wanted.items() if observed.settings[name] != value}
    # What is written down already is older, and so the truth.
    originals = {name: observed.settings[name] for name in changes} | dict(observed.originals)
    if changes and originals != observed.originals:
        yield Remember(
            text=settings.render_originals(originals),
            before=settings.render_originals(observed.originals),
        )
    for name, value in changes.items():
        yield Write(setting=name, value=value, before=observed.settings[name])
