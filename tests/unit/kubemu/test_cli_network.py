"""MACs that stay, ports that are free, and how --publish is read."""

from __future__ import annotations

import contextlib
import socket

import pytest

from kubemu.errors import BadInput
from kubemu.names import VmName
from kubemu.network import Publish, Wishes, mac_of, parse_publish, plan_nics
from virtcrds import VirtualMachineInstance
from virtlauncher.errors import Unsupported
from virtlauncher.facts import Forward, Nic

VM = VmName(namespace="default", name="a")


def an_instance(*interfaces: dict[str, object]) -> VirtualMachineInstance:
    return VirtualMachineInstance.from_json(
        {
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachineInstance",
            "metadata": {"name": "a"},
            "spec": {"domain": {"devices": {"interfaces": list(interfaces)}}},
        }
    )


def nics(*interfaces: dict[str, object], **wishes: object) -> dict[str, Nic]:
    return plan_nics(an_instance(*interfaces), Wishes(vm=VM, machine_id="m", **wishes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8080:80", ("127.0.0.1", 8080, 80, "tcp")),
        ("0.0.0.0:53:5353/udp", ("0.0.0.0", 53, 5353, "udp")),
        (":22", ("127.0.0.1", 0, 22, "tcp")),
        ("127.0.0.2::22/tcp", ("127.0.0.2", 0, 22, "tcp")),
    ],
)
def test_publish_is_read(text: str, expected: tuple[object, ...]) -> None:
    found = parse_publish(text)
    assert (found.address, found.host_port, found.guest_port, found.protocol) == expected


@pytest.mark.parametrize(
    "text", ["", "80", "a:80", "1:2:3:4", "80:0", "70000:80", "1:70000", "[::1]:80:80", "1:2/sctp"]
)
def test_publish_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_publish(text)


def test_a_mac_is_the_same_in_every_run_and_another_elsewhere() -> None:
    other = VmName(namespace="default", name="b")
    macs = {
        mac_of(VM, "default", "m"),
        mac_of(other, "default", "m"),
        mac_of(VM, "second", "m"),
        mac_of(VM, "default", "n"),
    }
    assert len(macs) == 4
    assert mac_of(VM, "default", "m") == mac_of(VM, "default", "m")
    assert all(mac.startswith("02:") and len(mac) == 17 for mac in macs)


def test_a_mac_of_the_manifest_is_taken() -> None:
    assert nics({"name": "x", "macAddress": "DE-AD-00-00-BE-AF"})["x"].mac == "de:ad:00:00:be:af"


def test_ports_get_free_loopback_ports_and_keep_them() -> None:
    ports = [{"port": 80}, {"port": 53, "protocol": "UDP"}, {"port": 80, "name": "again"}]
    first = nics({"name": "x", "ports": ports})["x"].forwards
    again = nics({"name": "x", "ports": ports}, before=first)["x"].forwards
    assert [(f.protocol, f.host_address, f.guest_port) for f in first] == [
        ("tcp", "127.0.0.1", 80),
        ("udp", "127.0.0.1", 53),
    ]
    assert again == first


def test_a_port_that_was_taken_meanwhile_is_replaced() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        before = Forward(protocol="tcp", host_address="127.0.0.1", host_port=port, guest_port=80)
        [forward] = nics({"name": "x", "ports": [{"port": 80}]}, before=(before,))["x"].forwards
        assert forward.host_port != port
        wish = Publish(address="127.0.0.1", host_port=port, guest_port=80, protocol="tcp")
        with pytest.raises(BadInput, match=f"port {port}/tcp of 127.0.0.1 cannot be used"):
            nics({"name": "x"}, publish=(wish,))


def test_one_port_is_not_published_twice() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    wishes = [
        Publish(address="127.0.0.1", host_port=port, guest_port=guest, protocol="tcp")
        for guest in (80, 81)
    ]
    with pytest.raises(BadInput, match="cannot be used"):
        nics({"name": "x"}, publish=wishes)


def test_port_ranges_are_forwarded_one_by_one_within_a_limit() -> None:
    found = nics({"name": "x", "portRanges": [{"start": 80, "end": 82, "protocol": "TCP"}]})
    assert [forward.guest_port for forward in found["x"].forwards] == [80, 81, 82]
    with pytest.raises(BadInput, match="more than 256 ports"):
        nics({"name": "x", "portRanges": [{"start": 1, "end": 65535}]})


def test_a_network_of_a_cluster_is_refused() -> None:
    tree = an_instance({"name": "x", "bridge": {}}).to_json()
    tree["spec"]["networks"] = [{"name": "x", "multus": {"networkName": "n"}}]
    with pytest.raises(Unsupported) as caught:
        plan_nics(VirtualMachineInstance.from_json(tree), Wishes(vm=VM, machine_id="m"))
    assert str(caught.value) == "spec.networks[0].multus: only a cluster has this network"


def test_publishing_needs_an_interface() -> None:
    with pytest.raises(BadInput, match="no network interface"):
        nics(publish=(parse_publish(":80"),))
