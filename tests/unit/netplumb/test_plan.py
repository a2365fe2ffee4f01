"""Plans: what is done in a namespace, as text files to be read and compared whole."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
from pathlib import Path

import pytest

from netplumb import Binding, PlumbError, Port, Protocol, Reason, Resolver, Route, Wanted
from netplumb.describe import describe
from netplumb.masquerade import ROUTER_MAC
from netplumb.observed import Link, Observed
from netplumb.plan import plan

GOLDEN = Path(__file__).parents[2] / "golden" / "netplumb"
RESOLVER = Resolver(
    nameservers=("10.96.0.10", "fd96::a"), searches=("default.svc.cluster.local", "svc.local")
)
DUAL = ("10.244.1.9/24", "fd77::9/64")
CLOSED = {
    "net/ipv4/ip_forward": "0",
    "net/ipv6/conf/all/forwarding": "0",
    "net/ipv6/conf/eth0/accept_ra": "0",
}
OPEN = {**CLOSED, "net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1"}


def pod(*addresses: str, mtu: int = 1500, **changes: object) -> Observed:
    link = Link(
        name="eth0",
        mac="0a:58:0a:f4:01:09",
        mtu=mtu,
        addresses=tuple(map(ipaddress.ip_interface, addresses)),
    )
    values = {"links": {"eth0": link}, "settings": CLOSED, **changes}
    return Observed(**values)  # type: ignore[arg-type]


ROUTES = (
    Route(destination="0.0.0.0/0", gateway="10.244.1.1"),
    Route(destination="10.244.0.0/16", gateway="10.244.1.1"),
)
ODD_GATEWAY = (
    Route(destination="0.0.0.0/0", gateway="169.254.1.1"),
    Route(destination="169.254.1.1/32", gateway=""),
)


def bridged(
    *addresses: str,
    mac: str = "0a:58:0a:f4:01:09",
    routes: tuple[Route, ...] = ROUTES,
    **changes: object,
) -> Observed:
    link = dataclasses.replace(pod(*addresses).links["eth0"], mac=mac, routes=routes)
    return dataclasses.replace(pod(), links={"eth0": link}, **changes)  # type: ignore[arg-type]


def guest(**changes: object) -> Wanted:
    values = {"name": "default", "mac": "02:51:52:00:00:01", "hostname": "vm", **changes}
    return Wanted(**values)  # type: ignore[arg-type]


CASES = {
    "dual-stack": (pod(*DUAL), guest()),
    "ipv4-only": (pod(DUAL[0]), guest()),
    "ipv6-only": (pod(DUAL[1]), guest()),
    "listed-ports": (
        pod(*DUAL),
        guest(
            ports=(
                Port(number=443),
                Port(number=80),
                Port(number=53, protocol=Protocol.UDP),
            )
        ),
    ),
    "other-networks-and-queues": (
        pod(*DUAL, mtu=9000),
        guest(ipv4_cidr="192.168.100.0/30", ipv6_cidr="fd00:1::/64", queues=4),
    ),
    "forwarding-was-on": (pod(*DUAL, settings=OPEN), guest()),
    "after-a-crash": (
        pod(*DUAL, settings=OPEN, originals={"net/ipv4/ip_forward": "0"}),
        guest(),
    ),
    "routes-by-advertisement": (
        pod(*DUAL, settings={**CLOSED, "net/ipv6/conf/eth0/accept_ra": "1"}),
        guest(),
    ),
    "several-addresses": (pod("10.244.1.9/32", "10.244.1.10/32", "fd77::9/128"), guest(mtu=1400)),
    "bridge": (bridged(*DUAL), guest(binding=Binding.BRIDGE, mac="")),
    "bridge-with-a-mac": (bridged(DUAL[0]), guest(binding=Binding.BRIDGE)),
    "bridge-after-a-crash": (
        bridged(DUAL[0], mac="0e:51:52:00:00:01", originals={"mac/eth0": "0a:58:0a:f4:01:09"}),
        guest(binding=Binding.BRIDGE, mac=""),
    ),
    "bridge-with-an-odd-gateway": (
        bridged("10.244.1.9/32", routes=ODD_GATEWAY),
        guest(binding=Binding.BRIDGE, mac=""),
    ),
    "kernel-without-ipv6": (pod(DUAL[0], settings={"net/ipv4/ip_forward": "1"}), guest()),
}


@pytest.mark.parametrize("name", CASES)
def test_a_plan_is_the_golden_one(name: str) -> None:
    observed, wanted = CASES[name]
    text = describe(plan(observed, wanted, RESOLVER))
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(text)
    assert text == file.read_text()


def test_every_golden_plan_has_its_case() -> None:
    assert {file.stem for file in GOLDEN.glob("*.txt")} == set(CASES)


@pytest.mark.parametrize(
    ("observed", "wanted", "reason"),
    [
        (Observed(links={}, settings=CLOSED), guest(), Reason.POD_DEVICE_MISSING),
        (pod(), guest(), Reason.POD_DEVICE_MISSING),
        (pod(*DUAL), guest(pod_device="net1"), Reason.POD_DEVICE_MISSING),
        (pod("10.0.2.77/24"), guest(), Reason.NETWORK_OVERLAP),
        (pod("fd10:0:2::77/64"), guest(), Reason.NETWORK_OVERLAP),
        (pod(*DUAL), guest(ipv4_cidr="10.0.2.0/31"), Reason.INVALID_NETWORK),
        (pod(*DUAL), guest(ipv4_cidr="fd00::/64"), Reason.INVALID_NETWORK),
        (pod(*DUAL), guest(ipv6_cidr="nonsense"), Reason.INVALID_NETWORK),
        (pod(DUAL[1]), guest(binding=Binding.BRIDGE), Reason.POD_DEVICE_MISSING),
        (
            pod(*DUAL, links={**pod(*DUAL).links, "tap0": Link(name="tap0", mac="", mtu=1500)}),
            guest(),
            Reason.INTERFACE_IN_USE,
        ),
    ],
)
def test_what_cannot_be_connected_is_refused(
    observed: Observed, wanted: Wanted, reason: Reason
) -> None:
    with pytest.raises(PlumbError) as caught:
        plan(observed, wanted, RESOLVER)
    assert caught.value.reason is reason
    assert "'default'" in caught.value.message


def test_a_wider_pod_network_is_no_overlap() -> None:
    assert plan(pod("10.1.2.3/8"), guest(), RESOLVER).pod_addresses == ("10.1.2.3",)


def test_the_guest_learns_the_routers_constant_address() -> None:
    assert plan(pod(*DUAL), guest(), RESOLVER).lease.router_mac == ROUTER_MAC


def test_a_name_server_of_the_pods_own_is_not_the_guests() -> None:
    resolver = Resolver(nameservers=("127.0.0.53", "::1", "fe80::1%eth0", "9.9.9.9"))
    assert plan(pod(*DUAL), guest(), resolver).lease.nameservers == ("9.9.9.9",)
