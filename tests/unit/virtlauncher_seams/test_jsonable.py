"""Facts and plans survive the trip through JSON, and bad trees are refused by place."""

from __future__ import annotations

import json

import pytest

from virtlauncher import errors
from virtlauncher.facts import Accel, Facts, Forward, Nic, NicKind, Qemu, Source, SourceKind
from virtlauncher.jsonable import from_jsonable
from virtlauncher.plan import MONITOR, Descriptor, DiskDevice, GuestABI, Helper, Plan

FACTS = Facts(
    qemu=Qemu(binary="qemu", version=(7, 2, 22), machine_aliases={"q35": "pc-q35-7.2"}),
    accel=Accel.TCG,
    volumes={
        "root": Source(kind=SourceKind.DIR, path="/images/root", readonly=True),
        "block": Source(kind=SourceKind.FD, fds=("block/ro", "block/rw"), direct=True),
    },
    nics={
        "default": Nic(
            kind=NicKind.USER,
            mac="02:00:00:00:00:01",
            forwards=(Forward(protocol="tcp", host_address="::1", host_port=8080, guest_port=80),),
        )
    },
    run_dir="/run/vm",
    disk_dir="/disks",
    abi={"version": 1, "nested": {"a": [1, 2]}},
)
PLAN = Plan(
    argv=("qemu", "-S"),
    env={"TZ": "Europe/Berlin"},
    descriptors=(Descriptor(name="monitor", number=MONITOR),),
    helpers=(Helper(name="swtpm", argv=("swtpm", "socket")),),
    disks=(
        DiskDevice(
            volume="root",
            device="disk-root",
            node="root",
            target="vda",
            bus="virtio",
            size=1 << 30,
            format="qcow2",
            readonly=False,
        ),
    ),
    abi=GuestABI(
        machine="pc-q35-7.2",
        cpu="max",
        smp="1",
        memory=1 << 27,
        memory_backend="ram",
        devices={"disk-root": "virtio-blk-pci@rp1/0"},
        macs={"default": "02:00:00:00:00:01"},
        host_mtu={},
        firmware="bios",
    ),
)


def test_facts_survive_json() -> None:
    assert Facts.from_json(json.loads(json.dumps(FACTS.to_json()))) == FACTS


def test_a_plan_survives_json() -> None:
    assert Plan.from_json(json.loads(json.dumps(PLAN.to_json()))) == PLAN


def test_keys_of_a_newer_peer_are_ignored() -> None:
    assert Facts.from_json({**FACTS.to_json(), "invented_later": 1}) == FACTS


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"accel": "xen"}, "Facts.accel: 'xen' is not a valid Accel"),
        ({"run_dir": 7}, "Facts.run_dir: expected str, got int"),
        ({"volumes": []}, "Facts.volumes: expected an object, got list"),
        ({"nics": {"a": {"kind": "tap"}}}, "Facts.nics.a: "),
        ({"qemu": None}, "Facts.qemu: expected an object, got NoneType"),
    ],
)
def test_a_bad_tree_is_refused_by_place(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Facts.from_json({**FACTS.to_json(), **change})


def test_a_boolean_is_no_number() -> None:
    with pytest.raises(ValueError, match=r"Descriptor.number: expected int, got bool"):
        from_jsonable(Descriptor, {"name": "monitor", "number": True})


@pytest.mark.parametrize(
    "error",
    [
        errors.Refused("no", field="spec.domain", hint="say yes"),
        errors.BadVolume("a symbolic link", field="spec.volumes[0]"),
        errors.LaunchFailed("exit 1"),
        errors.NotNow("stopping"),
    ],
)
def test_an_error_crosses_the_wire_as_itself(error: errors.LauncherError) -> None:
    back = errors.from_json(json.loads(json.dumps(error.to_json())))
    assert (type(back), back.to_json()) == (type(error), error.to_json())


def test_a_reason_of_a_newer_launcher_keeps_its_name() -> None:
    error = errors.from_json({"reason": "InventedLater", "message": "hm"})
    assert (error.reason, str(error)) == ("InventedLater", "hm")
