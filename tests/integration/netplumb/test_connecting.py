"""Connecting again, failing, crashing, undoing: never half a network."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import subprocess
import sys
from pathlib import Path

import pytest

from netplumb import PlumbError, Reason, Wanted, connect, entered, nft, ruleset, undo
from netplumb.observed import Link, Observed
from netplumb.plan import plan
from netplumb.plumbing import plan_for
from netplumb.settings import of_interest
from netplumb.steps import LoadRules
from tests.integration.netplumb.pods import (
    BRIDGED,
    NODE,
    POD,
    RESOLVER,
    WANTED,
    Guest,
    Namespace,
    Pod,
)

pytestmark = pytest.mark.root

STEPS = {WANTED: 15, BRIDGED: 13}
"""Of a plan in a pod with both families and forwarding off."""


@dataclasses.dataclass(frozen=True)
class State:
    """What plumbing changes in a namespace."""

    rules: str
    links: frozenset[str]
    mac: str
    settings: tuple[str, ...]
    alias: bool


def state(pod: Pod) -> State:
    names = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/ipv6/conf/eth0/accept_ra")
    return State(
        rules=pod.rules(),
        links=frozenset(pod.links()),
        mac=pod.mac("eth0"),
        settings=tuple(pod.setting(name) for name in names),
        alias="alias" in pod.run("ip", "link", "show", "lo"),
    )


def test_what_a_caller_gets(pod: Pod) -> None:
    (connected,) = connect(pod.fd, [WANTED], RESOLVER)
    with connected:
        assert connected.pod_addresses == POD
        assert (connected.mtu, connected.mac, connected.tap) == (1500, WANTED.mac, "tap0")
        assert (connected.ipv4_gateway, connected.ipv6_gateway) == ("10.0.2.1", "fd10:0:2::1")
        assert (connected.lease.ipv4, connected.lease.ipv6) == ("10.0.2.2/24", "fd10:0:2::2/120")
        assert connected.lease.nameservers == RESOLVER.nameservers
        assert len(connected.release()) == 4


def test_a_tap_has_the_pods_mtu_and_the_queues_asked_for() -> None:
    with Pod(mtu=9000) as pod:
        (connected,) = connect(pod.fd, [dataclasses.replace(WANTED, queues=3)], RESOLVER)
        with connected:
            assert len(connected.tap_fds) == 3
            shown = pod.run("ip", "-d", "link", "show", "tap0")
            assert "mtu 9000" in shown
            assert "02:00:00:00:00:00" in shown
            assert "multi_queue numqueues 3" in shown
            assert "vnet_hdr on" in shown


@pytest.mark.parametrize(("ipv4", "ipv6"), [(True, False), (False, True)])
def test_a_pod_of_one_family(ipv4: bool, ipv6: bool) -> None:
    family = 0 if ipv4 else 1
    with Pod(ipv4=ipv4, ipv6=ipv6) as pod:
        (connected,) = connect(pod.fd, [WANTED], RESOLVER)
        with connected, Guest(connected.tap_fds[0]) as guest:
            guest.configure()
            guest.run("busybox", "ping", "-c1", "-W20", NODE[family])
            assert connected.pod_addresses == (POD[family],)
            assert (connected.sockets.dhcp4 is None, connected.sockets.ra is None) == (ipv6, ipv4)


def test_a_pidfd_names_a_namespace_as_well(pod: Pod) -> None:
    with pod.started("cat") as sleeper:
        pidfd = os.pidfd_open(sleeper.pid)
        try:
            (connected,) = connect(pidfd, [WANTED], RESOLVER)
            with connected:
                assert "tap0" in pod.links()
        finally:
            os.close(pidfd)


def test_entered_comes_back(pod: Pod) -> None:
    def here() -> str:
        return str(Path("/proc/thread-self/ns/net").readlink())

    before = here()
    with entered(pod.fd):
        assert here() != before
    assert here() == before


def test_a_descriptor_that_is_no_namespace() -> None:
    with Path("/dev/null").open() as file, pytest.raises(PlumbError) as caught:
        connect(file.fileno(), [WANTED], RESOLVER)
    assert caught.value.reason is Reason.NAMESPACE_GONE


def test_connecting_again_replaces_what_a_dead_launcher_left(pod: Pod) -> None:
    (first,) = connect(pod.fd, [WANTED], RESOLVER)
    with first:
        one = state(pod)
    assert "tap0" not in pod.links()
    assert pod.rules() == one.rules
    (second,) = connect(pod.fd, [WANTED], RESOLVER)
    with second:
        assert state(pod) == one


def test_a_running_guests_network_is_left_alone(pod: Pod) -> None:
    (first,) = connect(pod.fd, [dataclasses.replace(WANTED, queues=2)], RESOLVER)
    with first:
        before = state(pod)
        with pytest.raises(PlumbError) as caught:
            connect(pod.fd, [dataclasses.replace(WANTED, queues=2)], RESOLVER)
        assert caught.value.reason is Reason.INTERFACE_IN_USE
        assert state(pod) == before


def test_undo_leaves_the_namespace_as_it_was(pod: Pod) -> None:
    before = state(pod)
    (connected,) = connect(pod.fd, [WANTED], RESOLVER)
    with connected:
        assert state(pod) != before
        undo(pod.fd)
        assert state(pod) == before
    undo(pod.fd)
    assert state(pod) == before


def test_undo_leaves_rules_of_others(pod: Pod) -> None:
    pod.run("nft", "add", "table", "ip", "somebodys")
    (connected,) = connect(pod.fd, [WANTED], RESOLVER)
    with connected:
        undo(pod.fd)
    assert pod.rules().split() == ["table", "ip", "somebodys", "{", "}"]


def test_one_interface_that_fails_takes_the_others_along(pod: Pod) -> None:
    before = state(pod)
    other = Wanted(name="other", pod_device="eth9", mac="02:51:52:00:00:02")
    with pytest.raises(PlumbError) as caught:
        connect(pod.fd, [WANTED, other], RESOLVER)
    assert caught.value.reason is Reason.POD_DEVICE_MISSING
    assert state(pod) == before


def test_without_nft_nothing_is_left(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(pod)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", "/nowhere")
        with pytest.raises(PlumbError) as caught:
            connect(pod.fd, [WANTED], RESOLVER)
    assert caught.value.reason is Reason.NFT_UNAVAILABLE
    assert state(pod) == before


def test_a_socket_that_is_taken_undoes_everything(pod: Pod) -> None:
    before = state(pod)
    with pod.listen_udp("0.0.0.0", 67), pytest.raises(PlumbError) as caught:
        connect(pod.fd, [WANTED], RESOLVER)
    assert caught.value.reason is Reason.KERNEL_REFUSED
    assert "dhcp4" in caught.value.message
    assert state(pod) == before


CRASHING = """
import logging, os, sys
import netplumb

class Crash(logging.Handler):
    left = int(sys.argv[2])

    def emit(self, record):
        if not self.left:
            os._exit(9)
        self.left -= 1

log = logging.getLogger("netplumb")
log.setLevel(logging.DEBUG)
log.addHandler(Crash())
binding, mac = netplumb.Binding(sys.argv[3]), sys.argv[4]
wanted = netplumb.Wanted(name="default", binding=binding, mac=mac, hostname="vm")
netplumb.connect(os.open(sys.argv[1], os.O_RDONLY), [wanted], netplumb.Resolver())
"""
"""Each step is told before it is done."""


CRASHES = [(wanted, after) for wanted, count in STEPS.items() for after in range(count)]


@pytest.mark.parametrize(("wanted", "after"), CRASHES, ids=lambda one: getattr(one, "binding", one))
def test_a_crash_after_any_step_is_repaired_by_the_next_run(
    pod: Pod, wanted: Wanted, after: int
) -> None:
    before = state(pod)
    (reference,) = connect(pod.fd, [wanted], RESOLVER)
    with reference:
        expected = state(pod)
    undo(pod.fd)

    words = [str(pod.path), str(after), wanted.binding, wanted.mac]
    crashed = [sys.executable, "-c", CRASHING, *words]
    assert subprocess.run(crashed, check=False).returncode == 9
    (connected,) = connect(pod.fd, [wanted], RESOLVER)
    with connected, Guest(connected.tap_fds[0], connected.mac) as guest:
        assert state(pod) == expected
        guest.configure() if wanted is WANTED else guest.configure_bridged()
        guest.run("busybox", "ping", "-c1", "-W20", NODE[0])
    undo(pod.fd)
    assert state(pod) == before

    subprocess.run(crashed, check=False)
    undo(pod.fd)
    assert state(pod) == before


@pytest.mark.parametrize("wanted", STEPS, ids=lambda one: one.binding)
def test_a_plan_has_as_many_steps_as_are_crashed_at(pod: Pod, wanted: Wanted) -> None:
    (planned,) = plan_for(pod.fd, [wanted], RESOLVER)
    assert len(planned.steps) == STEPS[wanted]


@pytest.mark.parametrize("wanted", STEPS, ids=lambda one: one.binding)
def test_rules_say_the_same_in_both_of_nfts_languages(wanted: Wanted) -> None:
    addresses = tuple(map(ipaddress.ip_interface, ("10.88.0.9/24", "10.88.0.8/32", "fd88::9/64")))
    link = Link(name="eth0", mac="0a:58:0a:f4:01:09", mtu=1500, addresses=addresses)
    observed = Observed(links={"eth0": link}, settings=dict.fromkeys(of_interest("eth0"), "0"))
    steps = plan(observed, wanted, RESOLVER).steps
    (tables,) = (step.tables for step in steps if isinstance(step, LoadRules))
    with Namespace("json") as by_json, Namespace("text") as by_text:
        by_json.do(lambda: nft.transact(ruleset.load(tables)))
        by_text.run("nft", "-f", "-", given="\n".join(table.text() for table in tables) + "\n")
        assert by_json.rules() == by_text.rules() != ""
