"""How a VMI ends, and what is left of it."""

from __future__ import annotations

import pytest

from tests.unit.virtoperator_controller.deciding_vmi import (
    after,
    decide,
    told,
)
from tests.unit.virtoperator_controller.objects import (
    POD_UID,
    UID,
    Json,
    condition,
    ended_pod,
    later,
    make_pod,
    make_vmi,
    running_pod,
)
from virtoperator import names
from virtoperator.controller.actions import Again, Change, Delete
from virtoperator.controller.vmi.observed import belongs
from virtoperator.kinds import POD


@pytest.mark.parametrize("phase", ["Scheduled", "Running"])
@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ((), ("Failed", "PodGone")),
        ((ended_pod(0),), ("Succeeded", None)),
        ((ended_pod(4, message="QEMU died"),), ("Failed", "LauncherEnded")),
        ((ended_pod(137, reason="OOMKilled"),), ("Failed", "OOMKilled")),
        ((make_pod("Failed", reason="NodeLost"),), ("Failed", "NodeLost")),
    ],
)
def test_an_end_that_nobody_reported_is_noticed(
    phase: str, pods: tuple[Json, ...], expected: tuple[str, str | None]
) -> None:
    vmi = make_vmi(phase)
    status = after(vmi, decide(vmi, *pods))["status"]
    assert (status["phase"], status.get("reason")) == expected


def test_virt_handler_has_the_first_word_on_how_a_vm_ended() -> None:
    actions = decide(make_vmi("Running"), ended_pod(4, ago=10))
    assert actions[0] == Again(seconds=20)
    assert after(make_vmi("Running"), actions)["status"]["phase"] == "Running"


@pytest.mark.parametrize("deleting", [False, True])
def test_also_when_the_pod_has_gone_already(deleting: bool) -> None:
    vmi = make_vmi("Running", deleting=deleting)
    assert decide(vmi, missing_for=1) == [Again(seconds=4)]
    assert after(vmi, decide(vmi, missing_for=5))["status"]["reason"] == "PodGone"


@pytest.mark.parametrize("phase", ["", "Pending", "Scheduling", "Scheduled", "Running"])
def test_a_deleted_vmi_takes_its_pod_with_it(phase: str) -> None:
    vmi = make_vmi(phase, deleting=True)
    actions = decide(vmi, running_pod())
    deletions = [action for action in actions if isinstance(action, Delete)]
    assert [(one.kind, one.uid) for one in deletions] == [(POD, POD_UID)]
    assert "SuccessfulDelete" in told(actions)
    new = after(vmi, actions)
    assert new["metadata"].get("finalizers") == vmi["metadata"].get("finalizers")


@pytest.mark.parametrize("phase", ["", "Pending", "Scheduling", "Scheduled", "Running"])
def test_a_deleted_vmi_whose_pod_has_gone_is_let_go(phase: str) -> None:
    vmi = make_vmi(phase, deleting=True)
    vmi["metadata"]["finalizers"] = [names.VMI_FINALIZER, "other.example/one"]
    new = after(vmi, decide(vmi))
    assert new["status"]["phase"] == "Failed"
    assert new["metadata"]["finalizers"] == ["other.example/one"]
    assert decide(new) == []


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_finalizer_stays_until_the_last_pod_has_gone(phase: str) -> None:
    vmi = make_vmi(phase, deleting=True, conditions=[condition("Ready", "False")])
    assert decide(vmi, make_pod(deleting=True)) == []
    assert after(vmi, decide(vmi))["metadata"]["finalizers"] == []


@pytest.mark.parametrize("owner_exists", [True, False])
def test_the_vms_finalizer_is_the_vms_as_long_as_there_is_one(owner_exists: bool) -> None:
    vmi = make_vmi("Succeeded", deleting=True)
    vmi["metadata"]["finalizers"] = [names.VMI_FINALIZER, names.VM_FINALIZER]
    new = after(vmi, decide(vmi, owner_exists=owner_exists))
    assert new["metadata"]["finalizers"] == ([names.VM_FINALIZER] if owner_exists else [])


@pytest.mark.parametrize("phase", ["Unknown", "WaitingForSync", "Nonsense"])
def test_a_phase_that_nobody_acts_on_is_left_alone(phase: str) -> None:
    assert decide(make_vmi(phase)) == []


@pytest.mark.parametrize(
    "damage",
    [
        {"labels": {names.CREATED_BY: UID}},
        {"labels": {names.APP: names.LAUNCHER}},
        {"ownerReferences": [{"uid": "an older one", "controller": True}]},
        {"ownerReferences": [{"uid": UID}]},
        {"namespace": "elsewhere"},
    ],
)
def test_a_pod_that_only_looks_like_the_vms_is_not_its_own(damage: Json) -> None:
    pod = running_pod()
    assert belongs(pod, make_vmi())
    pod["metadata"].update(damage)
    assert not belongs(pod, make_vmi())


def test_a_second_pod_under_another_name_is_not_the_vms() -> None:
    stranger = running_pod()
    stranger["metadata"].update(name="virt-launcher-one-other", uid="another")
    vmi = make_vmi("Scheduling")
    new = after(vmi, decide(vmi, stranger))
    assert new["status"]["reason"] == "PodGone"


def test_time_alone_changes_nothing_that_is_said() -> None:
    vmi = make_vmi()
    done = after(vmi, decide(vmi))
    waiting = [one for one in decide(done, make_pod(), now=later(500)) if isinstance(one, Change)]
    assert waiting == []


def test_a_pod_that_was_never_handed_over_does_not_outlive_its_vmi() -> None:
    vmi = make_vmi("Failed", conditions=[condition("Ready", "False", "GuestNotRunning")])
    deletions = [one.uid for one in decide(vmi, running_pod()) if isinstance(one, Delete)]
    assert deletions == [POD_UID]
    vmi["status"]["activePods"] = {POD_UID: "node-a"}
    assert not [one for one in decide(vmi, running_pod()) if isinstance(one, Delete)]
