"""The bridge binding: the guest has the pod's own address and hardware address. Pure.

The pod's device becomes a port beside the tap and keeps its addresses and routes, so that whoever
looks still finds the pod's address there; but nothing of the pod itself leaves by it any more. Its
hardware address is the guest's now, it gets another one. Taking the bridge away undoes it all.

IPv6 passes as it is: the guest is told of it by the network's own routers, not by us.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from . import settings
from .connected import Lease, Route
from .errors import PlumbError, Reason
from .masquerade import ROUTER_MAC, reachable, remembered
from .observed import Link, Observed
from .ruleset import (
    DROP,
    Chain,
    Family,
    Table,
    Word,
    arp_source,
    hardware_source,
    interface_in,
    interface_out,
    ports,
    router_advertisement,
    source,
    table_name,
)
from .steps import (
    Configure,
    Enslave,
    LoadRules,
    MakeBridge,
    OpenSockets,
    OpenTap,
    Plan,
    SetMac,
    Step,
    Write,
)
from .wanted import Resolver, Wanted

_SERVER = "169.254.75.10"
"""Our address on the bridge, as in KubeVirt: answers to DHCP come from it."""
_DEFAULT = "0.0.0.0/0"


def bridge_name(device: str) -> str:
    """As KubeVirt names it."""
    return f"k6t-{device.removeprefix('pod')}"


def bridge(observed: Observed, wanted: Wanted, pod: Link, resolver: Resolver) -> Plan:
    """Raises PlumbError for a pod without IPv4."""
    addresses = pod.of_version(4)
    if not addresses:
        raise PlumbError(
            Reason.POD_DEVICE_MISSING,
            f"interface {wanted.name!r}: {pod.name} has no IPv4 address for the guest",
            hint="a guest on an IPv6 network needs the masquerade binding",
        )
    address, mtu = addresses[0], wanted.mtu or pod.mtu
    original = observed.originals.get(settings.mac(pod.name), pod.mac)
    mac = wanted.mac or original
    return Plan(
        wanted=wanted,
        mac=mac,
        mtu=mtu,
        pod_addresses=(str(address.ip),),
        lease=Lease(
            ipv4=str(address),
            ipv4_gateway=_gateway(pod),
            ipv4_server=_SERVER,
            router_mac=ROUTER_MAC,
            client_mac=mac,
            nameservers=reachable(resolver, {4}),
            searches=resolver.searches,
            hostname=wanted.hostname,
            mtu=mtu,
            routes=tuple(_routes(pod)),
        ),
        ipv6_gateway="",
        steps=(
            OpenTap(tap=wanted.tap, queues=wanted.queues),
            *_without_ipv6(observed, wanted.tap),
            Configure(link=wanted.tap, mtu=mtu),
            *remembered(observed, {settings.mac(pod.name): pod.mac}),
            *_bridge(observed, bridge_name(pod.name), mtu),
            LoadRules(tables=_tables(wanted, pod, mac)),
            *_change_mac(pod, original),
            Enslave(link=pod.name, bridge=bridge_name(pod.name)),
            Enslave(link=wanted.tap, bridge=bridge_name(pod.name)),
            OpenSockets(link=bridge_name(pod.name), ipv4=True, ipv6=False),
        ),
    )


def _bridge(observed: Observed, name: str, mtu: int) -> Iterator[Step]:
    yield MakeBridge(bridge=name)
    # Who asks for the pod's address must hear the guest, not us.
    yield Write(setting=f"net/ipv4/conf/{name}/arp_ignore", value="1")
    yield from _without_ipv6(observed, name)
    yield Configure(link=name, mac=ROUTER_MAC, mtu=mtu, addresses=(f"{_SERVER}/32",))


def _without_ipv6(observed: Observed, link: str) -> Iterator[Step]:
    """The guest is the only one here that speaks IPv6."""
    if settings.FORWARD_IPV6 in observed.settings:
        yield Write(setting=f"net/ipv6/conf/{link}/disable_ipv6", value="1")


def _change_mac(pod: Link, original: str) -> Iterator[Step]:
    if pod.mac == original:
        digest = hashlib.sha256(original.encode()).digest()
        other = ":".join(f"{byte:02x}" for byte in (0x0E, *digest[:5]))
        yield SetMac(link=pod.name, mac=other, before=original)


def _tables(wanted: Wanted, pod: Link, mac: str) -> tuple[Table, ...]:
    name = table_name(wanted.tap)
    silence = Chain(
        name="output",
        type="filter",
        hook="output",
        priority=0,
        rules=((interface_out(pod.name), DROP),),
    )
    return (
        Table(family=Family.INET, name=name, chains=(silence,)),
        Table(family=Family.ARP, name=name, chains=(silence,)),
        Table(family=Family.BRIDGE, name=name, chains=tuple(_guards(wanted, pod, mac))),
    )


def _guards(wanted: Wanted, pod: Link, mac: str) -> Iterator[Chain]:
    """The guest is heard as itself only; leases are between it and us."""
    yield Chain(
        name="forward",
        type="filter",
        hook="forward",
        priority=0,
        rules=(
            *_spoofs(interface_in(wanted.tap), pod, mac),
            (interface_in(wanted.tap), ports("udp", [67, 68]), DROP),
            (interface_in(wanted.tap), router_advertisement(), DROP),
        ),
    )
    yield Chain(
        name="input",
        type="filter",
        hook="input",
        priority=0,
        rules=((interface_in(pod.name), ports("udp", [67]), DROP),),
    )


def _spoofs(heard: Word, pod: Link, mac: str) -> Iterator[tuple[Word, ...]]:
    ipv4 = [str(address.ip) for address in pod.of_version(4)[:1]]
    ipv6 = [str(address.ip) for address in pod.of_version(6)]
    yield heard, hardware_source([mac], other=True), DROP
    yield heard, source(Family.IP, [*ipv4, "0.0.0.0"], other=True), DROP
    yield heard, arp_source([*ipv4, "0.0.0.0"], other=True), DROP
    if ipv6:
        yield heard, source(Family.IP6, [*ipv6, "::", "fe80::/10"], other=True), DROP


def _gateway(pod: Link) -> str:
    return next((route.gateway for route in pod.routes if route.destination == _DEFAULT), "")


def _routes(pod: Link) -> Iterator[Route]:
    """Beside the default, and the way to its gateway, which the lease's server says itself."""
    implied = {_DEFAULT, f"{_gateway(pod)}/32"}
    yield from (route for route in pod.routes if route.destination not in implied)
