"""The masquerade binding: the guest has a network of its own, behind the pod's addresses. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping

from . import nat, settings
from .connected import Lease
from .nat import Inside
from .observed import Link, Observed
from .steps import Configure, LoadRules, OpenSockets, OpenTap, Plan, Remember, Step, Write
from .wanted import Resolver, Wanted

ROUTER_MAC = "02:00:00:00:00:00"
"""Of every tap: a guest that moves to another pod finds the router it knows in its caches."""


def masquerade(observed: Observed, wanted: Wanted, pod: Link, resolver: Resolver) -> Plan:
    nets = [net for v in (4, 6) if (net := nat.inside(wanted, pod, v))]
    by_version = {net.version: net for net in nets}
    ipv4, ipv6 = by_version.get(4), by_version.get(6)
    mtu = wanted.mtu or pod.mtu
    return Plan(
        wanted=wanted,
        mac=wanted.mac,
        mtu=mtu,
        pod_addresses=tuple(address for net in nets for address in net.pod),
        lease=Lease(
            ipv4=str(ipv4.guest) if ipv4 else "",
            ipv4_gateway=str(ipv4.gateway.ip) if ipv4 else "",
            ipv6=str(ipv6.guest) if ipv6 else "",
            router_mac=ROUTER_MAC,
            nameservers=reachable(resolver, by_version),
            searches=resolver.searches,
            hostname=wanted.hostname,
            mtu=mtu,
        ),
        ipv6_gateway=str(ipv6.gateway.ip) if ipv6 else "",
        steps=(
            OpenTap(tap=wanted.tap, queues=wanted.queues),
            *_tap_settings(observed, wanted.tap, ipv4=bool(ipv4), ipv6=bool(ipv6)),
            Configure(
                link=wanted.tap,
                mac=ROUTER_MAC,
                mtu=mtu,
                addresses=tuple(str(net.gateway) for net in nets),
            ),
            *_namespace_settings(observed, pod, by_version),
            LoadRules(tables=tuple(nat.table(wanted, net) for net in nets)),
            OpenSockets(link=wanted.tap, ipv4=bool(ipv4), ipv6=bool(ipv6)),
        ),
    )


def reachable(resolver: Resolver, versions: Collection[int]) -> tuple[str, ...]:
    """The name servers that a guest with these families can ask: not those of the pod's own."""
    return tuple(
        str(server)
        for server in map(ipaddress.ip_address, resolver.nameservers)
        if server.version in versions and not server.is_loopback and not server.is_link_local
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
    yield from remembered(observed, {name: observed.settings[name] for name in changes})
    for name, value in changes.items():
        yield Write(setting=name, value=value, before=observed.settings[name])


def remembered(observed: Observed, before: Mapping[str, str]) -> Iterator[Step]:
    """Write down what is to be changed. What is written down already is older, and so the truth."""
    originals = {**before, **observed.originals}
    if originals != observed.originals:
        yield Remember(
            text=settings.render_originals(originals),
            before=settings.render_originals(observed.originals),
        )
