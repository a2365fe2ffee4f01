"""A VMI's status, out of what is seen."""

import dataclasses
import json
from typing import Any

import pytest

from tests.unit.virtoperator_handler.machines import (
    ABI,
    AT,
    MAC,
    NOW,
    STAMP,
    a_vmi,
    ended,
    seen,
)
from virtoperator.handler import phases, status
from virtoperator.handler.guest import Guest, GuestNic
from virtoperator.handler.seen import Device, Name, Nic, Seen

Json = dict[str, Any]
READY = {"type": "Ready", "status": "True", "lastTransitionTime": STAMP}
NIC = {
    "name": "default",
    "mac": MAC,
    "queueCount": 1,
    "linkState": "up",
    "infoSource": "domain",
    "ipAddress": "10.88.0.9",
    "ipAddresses": ["10.88.0.9", "fd88::9"],
}


def new_status(vmi: Json, what: Seen) -> Json:
    return status.status_of(vmi, what, phases.phase_of(vmi, what, AT), NOW.wall)


def condition(kind: str, value: str, reason: str = "", message: str = "") -> Json:
    told = {"type": kind, "status": value, "reason": reason, "message": message}
    said = {key: text for key, text in told.items() if text}
    return {**said, "lastTransitionTime": STAMP}


NOT_MIGRATABLE = condition(
    "LiveMigratable",
    "False",
    "LiveMigrationNotSupported",
    "this version does not move running VMs to other nodes",
)


def test_a_started_vm_says_all_in_one_status() -> None:
    vmi = a_vmi(
        conditions=[READY],
        phaseTransitionTimestamps=[{"phase": "Scheduled", "phaseTransitionTimestamp": "earlier"}],
        volumeStatus=[{"name": "root", "target": "", "persistentVolumeClaimInfo": {}}],
    )
    assert new_status(vmi, seen()) == {
        **vmi["status"],
        "phase": "Running",
        "phaseTransitionTimestamps": [
            {"phase": "Scheduled", "phaseTransitionTimestamp": "earlier"},
            {"phase": "Running", "phaseTransitionTimestamp": STAMP},
        ],
        "conditions": [READY, NOT_MIGRATABLE],
        "interfaces": [NIC],
        "volumeStatus": [
            {"name": "root", "target": "vda", "size": 1 << 30, "persistentVolumeClaimInfo": {}}
        ],
        "machine": {"type": "pc-q35-10.0"},
        "currentCPUTopology": {"cores": 1, "sockets": 1, "threads": 1},
        "memory": {"guestAtBoot": "128Mi", "guestRequested": "128Mi", "guestCurrent": "128Mi"},
    }


def test_the_patch_has_what_changes_and_is_for_this_version_alone() -> None:
    vmi = a_vmi(conditions=[READY])
    patch = status.patch_of(vmi, new_status(vmi, seen()), seen())
    assert patch["metadata"] == {
        "annotations": {
            "kubemu.io/guest-abi": json.dumps(ABI, separators=(",", ":"), sort_keys=True)
        },
        "resourceVersion": "7",
    }
    assert "nodeName" not in patch["status"]
    assert patch["status"]["phase"] == "Running"


def test_what_has_been_written_is_not_written_again() -> None:
    vmi = a_vmi()
    patch = status.patch_of(vmi, new_status(vmi, seen()), seen())
    vmi["metadata"] |= patch["metadata"]
    vmi["status"] |= patch["status"]
    assert status.patch_of(vmi, new_status(vmi, seen()), seen()) == {}


@pytest.mark.parametrize(
    ("why", "reason", "message"),
    [
        ("user", "PausedByUser", "VMI was paused by user"),
        ("start-strategy", "PausedByUser", "VMI was paused by user"),
        ("io-error", "PausedIOError", "VMI was paused, low-level IO error detected"),
        ("something new", "Paused", "VMI was paused (something new)"),
    ],
)
def test_a_pause_is_a_condition(why: str, reason: str, message: str) -> None:
    found = new_status(a_vmi("Running"), seen(Name.PAUSED, why))["conditions"]
    assert found == [condition("Paused", "True", reason, message), NOT_MIGRATABLE]


def test_conditions_that_are_over_go_and_those_of_others_stay() -> None:
    paused = condition("Paused", "True", "PausedByUser", "VMI was paused by user")
    vmi = a_vmi("Running", conditions=[paused, READY, NOT_MIGRATABLE])
    assert new_status(vmi, seen())["conditions"] == [READY, NOT_MIGRATABLE]


def test_a_connected_agent_is_a_condition() -> None:
    found = new_status(a_vmi("Running"), seen(agent=True))["conditions"]
    assert found == [condition("AgentConnected", "True"), NOT_MIGRATABLE]


def test_a_failed_vm_says_why_and_qemu_has_the_last_word() -> None:
    vmi = a_vmi("Running", conditions=[READY, NOT_MIGRATABLE], machine={"type": "pc-q35-10.0"})
    found = new_status(vmi, ended("crashed", signal=11))
    assert (found["phase"], found["reason"]) == ("Failed", "QEMUCrashed")
    words = "It ended. QEMU's last line: qemu: no"
    assert found["conditions"] == [READY, condition("Synchronized", "False", "QEMUCrashed", words)]
    assert found["machine"] == {"type": "pc-q35-10.0"}


def test_the_guests_own_view_joins_by_hardware_address() -> None:
    guest = Guest(
        os={"id": "debian", "name": "Debian"},
        nics=(
            GuestNic(name="enp1s0", mac=MAC, addresses=("10.0.2.2",)),
            GuestNic(name="docker0", mac="02:42:00:00:00:01", addresses=("172.17.0.1",)),
        ),
    )
    found = new_status(a_vmi("Running"), seen(guest=guest, agent=True))
    assert found["guestOSInfo"] == {"id": "debian", "name": "Debian"}
    assert found["interfaces"] == [
        {**NIC, "infoSource": "domain, guest-agent", "interfaceName": "enp1s0"},
        {
            "mac": "02:42:00:00:00:01",
            "interfaceName": "docker0",
            "infoSource": "guest-agent",
            "ipAddress": "172.17.0.1",
            "ipAddresses": ["172.17.0.1"],
        },
    ]


def test_only_ten_interfaces_of_the_guests_own_are_shown() -> None:
    nics = tuple(
        GuestNic(name=f"v{n}", mac=f"02:00:00:00:01:{n:02x}", addresses=()) for n in range(30)
    )
    found = new_status(a_vmi("Running"), seen(guest=Guest(nics=nics), agent=True))
    assert len(found["interfaces"]) == 1 + 10


def test_addresses_that_are_known_stay_when_a_handler_starts_anew() -> None:
    vmi = a_vmi("Running", interfaces=[NIC])
    assert new_status(vmi, seen(addresses=()))["interfaces"] == [NIC]


def test_off_the_pod_network_the_guest_says_its_addresses() -> None:
    vmi = a_vmi("Running")
    vmi["spec"]["networks"] = [{"name": "default", "multus": {"networkName": "x"}}]
    guest = Guest(nics=(GuestNic(name="eth0", mac=MAC, addresses=("192.0.2.7",)),))
    (found,) = new_status(vmi, seen(guest=guest, agent=True))["interfaces"]
    assert found["ipAddresses"] == ["192.0.2.7"]


def test_what_the_controller_found_out_by_multus_stays() -> None:
    known = {"name": "default", "podInterfaceName": "eth0", "infoSource": "multus-status"}
    (found,) = new_status(a_vmi(interfaces=[known]), seen())["interfaces"]
    assert found == {**NIC, "podInterfaceName": "eth0", "infoSource": "multus-status, domain"}


def test_a_document_that_is_too_big_is_not_kept() -> None:
    big = dataclasses.replace(seen(), device=Device(abi={**ABI, "more": "x" * 40_000}))
    assert status.abi_text(big) == ""


@pytest.mark.parametrize(
    ("size", "expected"),
    [(1 << 30, "1Gi"), (1536 << 20, "1536Mi"), (1000 << 10, "1000Ki"), (12345, "12345")],
)
def test_quantities(size: int, expected: str) -> None:
    assert status.quantity(size) == expected


def test_a_launcher_that_says_nonsense_is_read_under_limits() -> None:
    tree = {
        "disks": [{"volume": 7, "target": "x" * 5000, "size": True}, "no disk"],
        "nics": [{"name": "n", "queues": "many"}] * 1000,
        "abi": "none",
    }
    device = Device.read(tree)
    assert (device.disks[0].volume, len(device.disks[0].target), device.disks[0].size) == (
        "",
        1024,
        0,
    )
    assert device.nics == (Nic(name="n", mac=""),) * 256
    assert device.abi == {}
