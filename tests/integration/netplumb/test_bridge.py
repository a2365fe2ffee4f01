"""The bridge binding: the guest is the pod, as far as the network sees."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Iterator

import pytest

from netplumb import PlumbError, Reason, connect
from tests.integration.netplumb.pods import BRIDGED, MAC, NODE, POD, RESOLVER, Guest, Pod, exchange

pytestmark = pytest.mark.root


@pytest.fixture
def bridged(pod: Pod) -> Iterator[Guest]:
    """A guest that has the pod's address and hardware address."""
    (connected,) = connect(pod.fd, [BRIDGED], RESOLVER)
    with connected, Guest(connected.tap_fds[0], connected.mac) as guest:
        guest.configure_bridged()
        yield guest


def test_what_a_caller_gets(pod: Pod) -> None:
    mac = pod.mac("eth0")
    (connected,) = connect(pod.fd, [BRIDGED], RESOLVER)
    with connected:
        lease = connected.lease
        assert (connected.mac, connected.pod_addresses) == (mac, POD[:1])
        assert (lease.ipv4, lease.ipv4_gateway, lease.ipv6) == (f"{POD[0]}/24", NODE[0], "")
        assert (lease.client_mac, lease.ipv4_server) == (mac, "169.254.75.10")
        assert pod.mac("eth0") != mac


def test_a_guest_may_have_a_hardware_address_of_its_own(pod: Pod) -> None:
    (connected,) = connect(pod.fd, [dataclasses.replace(BRIDGED, mac=MAC)], RESOLVER)
    with connected, Guest(connected.tap_fds[0], MAC) as guest:
        guest.configure_bridged()
        guest.run("busybox", "ping", "-c1", "-W20", NODE[0])
        assert f"{POD[0]} dev veth0 lladdr {MAC}" in pod.node.run("ip", "neigh")


def test_the_pods_address_is_the_guests(pod: Pod, bridged: Guest) -> None:
    with exchange(bridged.listen("0.0.0.0", 8080), pod.node.connect(POD[0], 8080)) as (peer, _):
        assert peer == NODE[0]


def test_the_guest_goes_out_with_the_pods_address(pod: Pod, bridged: Guest) -> None:
    with exchange(pod.node.listen("0.0.0.0", 8080), bridged.connect(NODE[0], 8080)) as (peer, _):
        assert peer == POD[0]


def test_ipv6_passes(pod: Pod, bridged: Guest) -> None:
    bridged.run("ip", "addr", "add", f"{POD[1]}/64", "dev", "eth0", "nodad")
    with exchange(bridged.listen("::", 8080), pod.node.connect(POD[1], 8080)) as (peer, _):
        assert peer == NODE[1]


def test_the_pod_keeps_its_address_to_be_seen_and_says_nothing(pod: Pod, bridged: Guest) -> None:
    assert POD[0] in pod.run("ip", "addr", "show", "eth0")
    client = pod.do(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    with client, pytest.raises(PermissionError):
        client.sendto(b"hello", (NODE[0], 9))


@pytest.mark.parametrize("what", ["address", "mac"])
def test_a_guest_is_heard_as_itself_only(pod: Pod, bridged: Guest, what: str) -> None:
    bridged.run("busybox", "ping", "-c1", "-W20", NODE[0])
    if what == "mac":
        bridged.run("ip", "link", "set", "eth0", "address", "02:51:52:00:00:77")
        words = ["busybox", "ping", "-c1", "-W1", NODE[0]]
    else:
        bridged.run("ip", "addr", "add", "10.88.0.77/24", "dev", "eth0")
        words = ["busybox", "ping", "-c1", "-W1", "-I", "10.88.0.77", NODE[0]]
    assert "1 packets received" not in bridged.run(*words, check=False)
    neighbours = pod.node.run("ip", "neigh")
    assert "10.88.0.77" not in neighbours
    assert "02:51:52:00:00:77" not in neighbours


def test_a_pod_without_ipv4_is_refused() -> None:
    with Pod(ipv4=False) as pod, pytest.raises(PlumbError) as caught:
        connect(pod.fd, [BRIDGED], RESOLVER)
    assert caught.value.reason is Reason.POD_DEVICE_MISSING
