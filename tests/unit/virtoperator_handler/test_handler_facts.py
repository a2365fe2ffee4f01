"""What a launcher is told: interfaces, claims; and what is read of pods and control groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netplumb import Binding, Connected, Port, Protocol, Sockets, Wanted
from netplumb import Lease as Plumbed
from tests.unit.virtoperator_handler.machines import a_vmi
from virtlauncher.facts import Lease, Nic, NicKind
from virtoperator.handler import claims, memory, nics, pods
from virtoperator.handler.errors import NotSupported
from virtoperator.handler.seen import PodEnd
from virtoperator.podvolumes import Claim

Json = dict[str, Any]
MAC = "02:00:00:00:00:01"


def with_interface(network: Json | None = None, **interface: Any) -> Json:
    vmi = a_vmi()
    one = {"name": "default", "masquerade": {}, **interface}
    vmi["spec"]["domain"]["devices"]["interfaces"] = [one]
    vmi["spec"]["networks"] = [{"name": "default", "pod": network or {}}]
    return vmi


def connected(**changes: Any) -> Connected:
    facts: Json = {
        "name": "default",
        "tap": "tap0",
        "tap_fds": (7, 8),
        "mac": MAC,
        "mtu": 1450,
        "pod_addresses": ("10.88.0.9",),
        "ipv4_gateway": "10.0.2.1",
        "ipv6_gateway": "",
        "sockets": Sockets(dhcp4=9, ra=10),
        "lease": Plumbed(ipv4="10.0.2.2/24", nameservers=("10.96.0.10",)),
    }
    return Connected(**{**facts, **changes})


def test_an_interface_on_the_pod_network_is_wanted() -> None:
    vmi = with_interface(
        {"vmNetworkCIDR": "192.0.2.0/24"},
        macAddress="02-00-00-00-00-01",
        ports=[{"port": 80}, {"port": 53, "protocol": "UDP"}],
        portRanges=[{"start": 79, "end": 81, "protocol": "TCP"}],
    )
    assert nics.wanted_of(vmi) == [
        Wanted(
            name="default",
            binding=Binding.MASQUERADE,
            mac=MAC,
            ports=(
                Port(number=80),
                Port(number=53, protocol=Protocol.UDP),
                Port(number=79),
                Port(number=81),
            ),
            ipv4_cidr="192.0.2.0/24",
            hostname="vm",
        )
    ]


def test_other_networks_are_not_netplumbs() -> None:
    vmi = with_interface()
    vmi["spec"]["networks"] = [{"name": "default", "multus": {"networkName": "x"}}]
    assert nics.wanted_of(vmi) == []


def test_a_binding_that_is_not_ours_is_refused() -> None:
    vmi = with_interface()
    vmi["spec"]["domain"]["devices"]["interfaces"] = [{"name": "default", "passtBinding": {}}]
    with pytest.raises(NotSupported, match="interface default"):
        nics.wanted_of(vmi)


def test_a_bridge_has_the_pods_hardware_address() -> None:
    vmi = with_interface()
    vmi["spec"]["domain"]["devices"]["interfaces"] = [{"name": "default", "bridge": {}}]
    (wanted,) = nics.wanted_of(vmi)
    assert (wanted.binding, wanted.mac) == (Binding.BRIDGE, "")


def test_a_mac_stays_with_the_name_and_differs_between_interfaces() -> None:
    vmi = a_vmi()
    macs = {nics.mac_of(vmi, {"name": name, "masquerade": {}}) for name in ("a", "b", "a")}
    assert len(macs) == 2
    assert all(mac.startswith("02:") and len(mac) == 17 for mac in macs)


@pytest.mark.parametrize(
    ("cpu", "multiqueue", "expected"),
    [
        ({}, True, 1),
        ({"cores": 4}, False, 1),
        ({"cores": 2, "sockets": 2}, True, 4),
        ({"cores": 64}, True, 8),
    ],
)
def test_queues(cpu: Json, multiqueue: bool, expected: int) -> None:
    vmi = with_interface()
    vmi["spec"]["domain"]["cpu"] = cpu
    vmi["spec"]["domain"]["devices"]["networkInterfaceMultiqueue"] = multiqueue
    (wanted,) = nics.wanted_of(vmi)
    assert wanted.queues == expected


def test_the_launcher_is_told_of_taps_sockets_and_lease() -> None:
    options = {
        "ntpServers": ["192.0.2.1"],
        "bootFileName": "boot",
        "tftpServerName": "tftp",
        "privateOptions": [{"option": 240, "value": "x"}],
    }
    found = nics.nic_of(with_interface(dhcpOptions=options), connected(), ("v0", "v1"))
    assert found == Nic(
        kind=NicKind.TAP,
        mac=MAC,
        mtu=1450,
        fds=("tap0/0", "tap0/1"),
        vhost_fds=("v0", "v1"),
        lease=Lease(
            ipv4="10.0.2.2/24",
            nameservers=("10.96.0.10",),
            ntp=("192.0.2.1",),
            boot_file="boot",
            tftp_server="tftp",
            private_options={"240": "x"},
        ),
        dhcp4_fd="tap0/dhcp4",
        ra_fd="tap0/ra",
    )
    assert nics.descriptors_of(connected()) == {
        "tap0/0": 7,
        "tap0/1": 8,
        "tap0/dhcp4": 9,
        "tap0/ra": 10,
    }


def test_claims_are_as_the_controller_has_noted_them() -> None:
    info = {
        "claimName": "data",
        "volumeMode": "Filesystem",
        "requests": {"storage": "10Gi"},
        "capacity": {"storage": "20Gi"},
        "filesystemOverhead": "0.5",
    }
    block = {"claimName": "raw", "volumeMode": "Block"}
    vmi = a_vmi(
        volumeStatus=[
            {"name": "root"},
            {"name": "a", "persistentVolumeClaimInfo": info},
            {"name": "b", "persistentVolumeClaimInfo": block},
        ]
    )
    assert claims.claims_of(vmi) == {
        "data": Claim(name="data", size=5 << 30),
        "raw": Claim(name="raw", block=True),
    }


def test_our_pod_is_the_one_on_our_node_and_one_that_is_followed_stays() -> None:
    vmi = a_vmi(activePods={"u1": "node-a", "u2": "node-b", "u0": "node-a"})
    assert pods.own_pod(vmi, "node-a") == "u0"
    assert pods.own_pod(vmi, "node-a", {"u1"}) == "u1"
    assert pods.own_pod(vmi, "node-c") == ""


def test_how_a_launcher_ended_is_read_of_its_container() -> None:
    ended = {"exitCode": 137, "reason": "OOMKilled", "message": "last words\n"}
    pod = {
        "metadata": {"uid": "u1"},
        "status": {
            "podIPs": [{"ip": "10.88.0.9"}, {"ip": "fd88::9"}],
            "containerStatuses": [
                {"name": "other", "state": {"terminated": {"exitCode": 1}}},
                {"name": "compute", "state": {"terminated": ended}},
            ],
        },
    }
    assert pods.find_pod([pod], "u1") is pod
    assert pods.end_of(pod) == PodEnd(code=137, reason="OOMKilled", message="last words")
    assert pods.addresses_of(pod) == ("10.88.0.9", "fd88::9")


def test_a_launcher_that_runs_has_not_ended() -> None:
    running = {"name": "compute", "state": {"running": {}}}
    assert pods.end_of({"status": {"containerStatuses": [running]}}) is None
    assert pods.end_of(pods.find_pod([], "u1")) is None


@pytest.mark.parametrize(
    ("cgroups", "file"),
    [
        ("4:memory:/kubepods/pod1/c\n0::/\n", "memory/kubepods/pod1/c/memory.oom_control"),
        ("5:cpu,memory:/pod1\n", "memory/pod1/memory.oom_control"),
        (
            "0::/kubepods.slice/pod1.slice/c.scope\n",
            "kubepods.slice/pod1.slice/c.scope/memory.events",
        ),
    ],
)
def test_the_kernels_kills_are_counted(tmp_path: Path, cgroups: str, file: str) -> None:
    assert memory.oom_kills(cgroups, tmp_path) == 0
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text("oom_kill_disable 0\nlow 7\noom 3\noom_kill 2\n")
    assert memory.oom_kills(cgroups, tmp_path) == 2


def test_a_group_beyond_our_own_namespace_is_not_looked_for(tmp_path: Path) -> None:
    assert memory.oom_kills("0::/../../etc\n", tmp_path) == 0
