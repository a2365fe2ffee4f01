"""The small values of netplumb: what they are read from and rendered to."""

from __future__ import annotations

import os

import pytest

from netplumb import Connected, Lease, Resolver, Sockets, Wanted, settings


def test_resolv_conf_is_read_as_the_resolver_reads_it() -> None:
    text = """
    # comment
    search one.example
    nameserver 10.96.0.10
    nameserver fd96::a
    nameserver nonsense
    nameserver
    options ndots:5
    search ns.svc.cluster.local svc.cluster.local
    """
    assert Resolver.from_resolv_conf(text) == Resolver(
        nameservers=("10.96.0.10", "fd96::a"),
        searches=("ns.svc.cluster.local", "svc.cluster.local"),
    )


@pytest.mark.parametrize(
    ("name", "device", "tap"),
    [
        ("default", "eth0", "tap0"),
        ("blue", "pod16477688c0e", "tap16477688c0e"),
        ("b" * 63, "net1", "tap94e419fabac"),
    ],
)
def test_a_taps_name_is_stable_and_fits_the_kernel(name: str, device: str, tap: str) -> None:
    assert Wanted(name=name, pod_device=device, mac="02:00:00:00:00:01").tap == tap
    assert len(tap) < 16


@pytest.mark.parametrize(
    "originals",
    [{}, {"net/ipv4/ip_forward": "0"}, {"net/ipv4/ip_forward": "0", "net/ipv6/conf/a": "1"}],
)
def test_originals_survive_the_way_through_an_alias(originals: dict[str, str]) -> None:
    assert settings.parse_originals(settings.render_originals(originals)) == originals


@pytest.mark.parametrize("alias", ["", "somebody's", "netplumb", "netplumb x", "netplumb ="])
def test_an_alias_that_is_not_ours_says_nothing(alias: str) -> None:
    assert settings.parse_originals(alias) == {}


def connected(*numbers: int) -> Connected:
    tap, dhcp4, ra = numbers
    return Connected(
        name="default",
        tap="tap0",
        tap_fds=(tap,),
        mac="",
        mtu=1500,
        pod_addresses=(),
        ipv4_gateway="",
        ipv6_gateway="",
        sockets=Sockets(dhcp4=dhcp4, ra=ra),
        lease=Lease(),
    )


def opened(count: int) -> list[int]:
    return [os.open("/dev/null", os.O_RDONLY) for _ in range(count)]


def test_a_connection_closes_what_it_owns_once() -> None:
    numbers = opened(3)
    with connected(*numbers) as one:
        one.close()
    for number in numbers:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(number)


def test_what_was_released_is_the_callers() -> None:
    numbers = opened(3)
    with connected(*numbers) as one:
        assert one.release() == numbers
    for number in numbers:
        os.close(number)
