"""What reaches what: packets through real rules, in both families."""

from __future__ import annotations

import contextlib
import dataclasses
import socket

import pytest

from netplumb import Port, Protocol, connect
from tests.integration.netplumb.pods import (
    NODE,
    POD,
    RESOLVER,
    WANTED,
    Guest,
    Pod,
    exchange,
)

pytestmark = pytest.mark.root

INSIDE, GATEWAY, ANY = ("10.0.2.2", "fd10:0:2::2"), ("10.0.2.1", "fd10:0:2::1"), ("0.0.0.0", "::")
families = pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])


@families
def test_the_pods_address_is_the_guests(pod: Pod, guest: Guest, family: int) -> None:
    listener = guest.listen(ANY[family], 8080)
    with exchange(listener, pod.node.connect(POD[family], 8080)) as (peer, _):
        assert peer == NODE[family]  # The guest sees who it is.


@families
def test_the_guest_goes_out_as_the_pod(pod: Pod, guest: Guest, family: int) -> None:
    listener = pod.node.listen(ANY[family], 8080)
    with exchange(listener, guest.connect(NODE[family], 8080)) as (peer, _):
        assert peer == POD[family]


@families
def test_the_guest_pings_and_is_pinged(pod: Pod, guest: Guest, family: int) -> None:
    guest.run("busybox", "ping", "-c1", "-W20", NODE[family])
    pod.node.run("busybox", "ping", "-c1", "-W20", POD[family])


def test_the_pods_localhost_is_the_guest(pod: Pod, guest: Guest) -> None:
    listener = guest.listen("0.0.0.0", 8080)
    with exchange(listener, pod.connect("127.0.0.1", 8080)) as (peer, _):
        assert peer == GATEWAY[0]


def test_the_pods_ipv6_localhost_stays_its_own(pod: Pod, guest: Guest) -> None:
    with guest.listen("::", 8080), pytest.raises(ConnectionRefusedError):
        pod.connect("::1", 8080)


@families
def test_a_process_of_the_pod_finds_the_guest_at_the_pods_address(
    pod: Pod, guest: Guest, family: int
) -> None:
    listener = guest.listen(ANY[family], 8080)
    with exchange(listener, pod.connect(POD[family], 8080)) as (peer, _):
        assert peer == GATEWAY[family]


@families
def test_the_guest_finds_itself_at_the_pods_address(pod: Pod, guest: Guest, family: int) -> None:
    listener = guest.listen(ANY[family], 8080)
    with exchange(listener, guest.connect(POD[family], 8080)) as (peer, _):
        assert peer == GATEWAY[family]


@families
def test_udp_reaches_the_guest_and_back(pod: Pod, guest: Guest, family: int) -> None:
    kind = (socket.AF_INET, socket.AF_INET6)[family]
    server = guest.do(lambda: socket.socket(kind, socket.SOCK_DGRAM))
    client = pod.node.do(lambda: socket.socket(kind, socket.SOCK_DGRAM))
    with server, client:
        server.settimeout(20)
        client.settimeout(20)
        server.bind((ANY[family], 5353))
        client.sendto(b"ping", (POD[family], 5353))
        data, peer = server.recvfrom(16)
        server.sendto(data, peer)
        assert client.recvfrom(16)[1][0] == POD[family]


@families
def test_only_listed_ports_are_led_to_the_guest(pod: Pod, family: int) -> None:
    ports = (Port(number=80), Port(number=53, protocol=Protocol.UDP))
    wanted = dataclasses.replace(WANTED, ports=ports)
    (connected,) = connect(pod.fd, [wanted], RESOLVER)
    with connected, Guest(connected.tap_fds[0]) as guest:
        guest.configure()
        with exchange(guest.listen(ANY[family], 80), pod.node.connect(POD[family], 80)):
            pass
        with guest.listen(ANY[family], 81), pytest.raises(ConnectionRefusedError):
            pod.node.connect(POD[family], 81)
        with exchange(pod.listen(ANY[family], 82), pod.node.connect(POD[family], 82)):
            pass  # Other ports are the pod's.


@families
def test_a_guest_with_somebody_elses_address_is_not_heard(
    pod: Pod, guest: Guest, family: int
) -> None:
    other = ("10.0.2.3", "fd10:0:2::3")[family]
    guest.run("ip", "addr", "add", other, "dev", "eth0", *(["nodad"] if family else []))
    guest.run("busybox", "ping", "-c1", "-W20", "-I", INSIDE[family], NODE[family])
    before = _received(pod)
    guest.run("busybox", "ping", "-c1", "-W1", "-I", other, NODE[family], check=False)
    guest.run("busybox", "ping", "-c1", "-W20", "-I", INSIDE[family], NODE[family])
    assert _received(pod) - before == 1  # The second of the two.


def test_a_guest_does_not_reach_the_pods_loopback(pod: Pod, guest: Guest) -> None:
    guest.run("ip", "route", "add", "127.1.0.0/16", "via", "10.0.2.1")
    guest.run("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1")
    with pod.listen("127.1.0.1", 9000), contextlib.ExitStack() as stack:
        client = guest.do(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        stack.enter_context(client).settimeout(1)
        client.bind((INSIDE[0], 0))
        with pytest.raises(TimeoutError):
            client.connect(("127.1.0.1", 9000))


def _received(pod: Pod) -> int:
    """Echo requests that came to the node."""
    names = ("Icmp6InEchos", "InEchos")
    lines = pod.node.lines("cat", "/proc/net/snmp6")
    echoes = sum(int(line.split()[1]) for line in lines if line.split()[0] == names[0])
    head, values = (
        line.split() for line in pod.node.lines("cat", "/proc/net/snmp") if line.startswith("Icmp:")
    )
    return echoes + int(values[head.index(names[1])])
