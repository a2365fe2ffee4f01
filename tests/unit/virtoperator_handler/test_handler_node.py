"""What a node says of itself."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from virtlauncher.facts import Accel, Qemu
from virtlauncher.jsonable import to_jsonable
from virtoperator import names
from virtoperator.handler.errors import NotReady
from virtoperator.handler.ground import Devices, Ground
from virtoperator.handler.node import devices, labels

Json = dict[str, Any]
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
STAMP = "2026-01-02T03:04:05Z"
QEMU = Qemu(
    binary="/usr/bin/qemu",
    version=(10, 0, 13),
    machine_aliases={"q35": "pc-q35-10.0"},
    machines=("none", "pc-q35-10.0"),
    cpu_models=("host", "Nehalem", "qemu64", "qemu64-v1", "bad name"),
)
PROVED = Ground(qemu=QEMU, kvm=True, kvm_message="a guest has booted")
HANGS = Ground(qemu=QEMU, kvm=False, kvm_message="a guest hung")
ALWAYS = {
    "kubevirt.io/schedulable": "true",
    "machine-type.node.kubevirt.io/q35": "true",
    "machine-type.node.kubevirt.io/pc-q35-10.0": "true",
    "cpu-model.node.kubevirt.io/Nehalem": "true",
}


def of(ground: Ground | None, *, ready: bool = True, kvm: bool = True) -> Json:
    return labels.labels_of(ground, ready=ready, kvm=kvm, flags=["sse4_2"])


def test_labels_of_a_node_with_kvm() -> None:
    more = {"kubemu.io/kvm": "usable", "cpu-feature.node.kubevirt.io/sse4_2": "true"}
    assert of(PROVED) == ALWAYS | more


def test_a_proof_is_worth_nothing_without_the_device() -> None:
    assert of(PROVED, kvm=False) == ALWAYS
    assert of(HANGS) == ALWAYS


def test_a_node_that_is_not_ready_takes_no_vm() -> None:
    assert of(HANGS, ready=False)["kubevirt.io/schedulable"] == "false"
    assert of(None) == {"kubevirt.io/schedulable": "false"}


def test_a_beat_changes_what_is_not_as_it_should_be() -> None:
    stale = {"cpu-model.node.kubevirt.io/Old": "true", "kubemu.io/kvm": "usable", "mine": "yes"}
    node = {"metadata": {"labels": {**ALWAYS, **stale, "kubevirt.io/schedulable": "false"}}}
    assert labels.patch_of(node, of(HANGS), NOW) == {
        "metadata": {
            "annotations": {"kubevirt.io/heartbeat": STAMP},
            "labels": {
                "kubevirt.io/schedulable": "true",
                "cpu-model.node.kubevirt.io/Old": None,
                "kubemu.io/kvm": None,
            },
        }
    }


def test_a_beat_of_a_node_that_is_as_it_should_be_is_a_beat() -> None:
    beat = {"metadata": {"annotations": {"kubevirt.io/heartbeat": STAMP}}}
    assert labels.patch_of({"metadata": {"labels": ALWAYS}}, of(HANGS), NOW) == beat


def test_a_node_that_somebody_else_labels_is_left_alone() -> None:
    meta = {
        "annotations": {labels.SKIP: ""},
        "labels": {"cpu-model.node.kubevirt.io/Old": "true"},
    }
    found = labels.patch_of({"metadata": meta}, of(HANGS), NOW)["metadata"]["labels"]
    assert found == {"kubevirt.io/schedulable": "true"}


@pytest.mark.parametrize(
    ("ground", "kvm", "status", "reason", "message"),
    [
        (None, True, "Unknown", "NotProbed", "the node has not been probed"),
        (PROVED, False, "False", "NoDevice", "there is no /dev/kvm on this node"),
        (HANGS, True, "False", "ProofFailed", "a guest hung"),
        (PROVED, True, "True", "GuestBooted", "a guest has booted"),
    ],
)
def test_the_node_says_why_kvm_is_not_usable(
    ground: Ground | None, kvm: bool, status: str, reason: str, message: str
) -> None:
    said = {"type": "KVMUsable", "status": status, "reason": reason, "message": message}
    times = {"lastHeartbeatTime": STAMP, "lastTransitionTime": STAMP}
    patch = labels.condition_patch({}, ground, kvm=kvm, now=NOW)
    assert patch == {"status": {"conditions": [{**said, **times}]}}
    known = {"status": {"conditions": [{**said, "lastTransitionTime": "earlier"}]}}
    assert labels.condition_patch(known, ground, kvm=kvm, now=NOW) is None


def test_an_accelerator_is_what_was_proved_or_allowed() -> None:
    assert PROVED.accelerator(use_emulation=True) is Accel.KVM
    assert HANGS.accelerator(use_emulation=True) is Accel.TCG
    with pytest.raises(NotReady, match=r"a guest hung.*useEmulation"):
        HANGS.accelerator(use_emulation=False)


def test_facts_are_read_as_the_probe_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    tree = {
        "version": 1,
        "qemu": to_jsonable(QEMU),
        "kvm": {"usable": False, "why": "a guest hung"},
    }
    path.write_text(json.dumps(tree))
    assert Ground.read(path) == HANGS


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 2}', '{"version": 1, "qemu": {}, "kvm": {"usable": true}}']
)
def test_facts_that_are_not_understood_are_no_facts(tmp_path: Path, text: str) -> None:
    (tmp_path / "facts.json").write_text(text)
    with pytest.raises(NotReady):
        Ground.read(tmp_path / "facts.json")


def test_a_node_without_facts_was_not_probed(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="was not probed"):
        Ground.read(tmp_path / "facts.json")


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="kvm: No such file"), Devices(folder=tmp_path).opened("kvm"):
        pass


def test_flags_of_the_host_cpu(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nflags\t\t: fpu sse4_2\n\nprocessor\t: 1\nflags\t\t: x\n")
    assert devices.cpu_flags(path) == ("fpu", "sse4_2")
    assert names.KVM_USABLE == "kubemu.io/kvm"
