"""What a VM's status says, what a change leads to, and how it goes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.unit.virtoperator_controller.deciding import (
    STOP,
    after,
    decide,
    step_of,
)
from tests.unit.virtoperator_controller.objects import (
    STAMP,
    Json,
    apply_merge,
    condition,
    later,
    make_vm,
    vm_instance,
)
from virtcrds.clusterconfig import ClusterConfig, RolloutStrategy
from virtoperator import conditions, names
from virtoperator.controller.actions import Change
from virtoperator.kinds import VM, VMI
from virtoperator.settings import Settings


def _situations() -> list[tuple[str, Json, Json | None]]:
    def vmi(phase: str, *said: Json, **status: Any) -> Json:
        return vm_instance(phase, conditions=[condition("Ready", "False"), *said], **status)

    no_claim = condition("Synchronized", "False", "FailedPvcNotFound")
    no_image = condition("Synchronized", "False", "ErrImagePull")
    backing_off = condition("Synchronized", "False", "ImagePullBackOff")
    unplaced = condition("PodScheduled", "False", "Unschedulable")
    paused = condition("Paused")
    return [
        ("Terminating", make_vm(deleting=True), vmi("Running")),
        ("Stopping", make_vm("Halted"), vmi("Running")),
        ("Stopping", make_vm(), vm_instance("Running", deleting=True)),
        ("Stopping", make_vm(stateChangeRequests=[STOP]), vmi("Running")),
        ("Migrating", make_vm(), vmi("Running", paused, migrationState={"targetNode": "b"})),
        ("Running", make_vm(), vmi("Running", migrationState={"completed": True})),
        ("Paused", make_vm(), vmi("Running", paused)),
        ("Running", make_vm(), vmi("Running")),
        ("ErrorPvcNotFound", make_vm(), vmi("Pending", no_claim, unplaced)),
        ("ErrorUnschedulable", make_vm(), vmi("Scheduling", unplaced)),
        ("WaitingForVolumeBinding", make_vm(), vmi("Pending", condition("Provisioning"))),
        ("ErrImagePull", make_vm(), vmi("Scheduling", no_image)),
        ("ImagePullBackOff", make_vm(), vmi("Scheduling", backing_off)),
        *(
            ("Starting", make_vm(), vmi(phase))
            for phase in ("", "Pending", "Scheduling", "Scheduled")
        ),
        ("CrashLoopBackOff", make_vm(), vm_instance("Failed")),
        ("Stopped", make_vm("Halted"), None),
        ("Stopped", make_vm("Manual"), vmi("Succeeded")),
        ("Stopped", make_vm("Manual"), vmi("Failed")),
        ("Stopped", make_vm("Once"), vm_instance("Succeeded", ran=10)),
        ("WaitingForReceiver", make_vm("WaitAsReceiver"), None),
        ("Unknown", make_vm(), vmi("Unknown")),
    ]


@pytest.mark.parametrize(("word", "vm", "vmi"), _situations())
def test_the_state_in_one_word(word: str, vm: Json, vmi: Json | None) -> None:
    assert after(vm, decide(vm, vmi))["status"]["printableStatus"] == word


def test_every_condition_of_the_instance_is_the_vms_too() -> None:
    agent = condition("AgentConnected")
    ready = condition("Ready")
    vm = make_vm(conditions=[condition("Paused"), condition("ManualRecoveryRequired")])
    vmi = vm_instance("Running", conditions=[ready, agent])
    status = after(vm, decide(vm, vmi))["status"]
    by_type = {one["type"]: one for one in status["conditions"]}
    assert set(by_type) == {"Ready", "AgentConnected", "ManualRecoveryRequired"}
    assert by_type["Ready"] == ready
    assert (status["created"], status["ready"]) == (True, True)
    assert (status["observedGeneration"], status["desiredGeneration"]) == (2, 2)
    assert status["runStrategy"] == "Always"


@pytest.mark.parametrize(
    ("vmi", "reason"),
    [
        (None, "VMINotExists"),
        (vm_instance("Running", conditions=[condition("Paused")]), "VMIConditionMissing"),
    ],
)
def test_a_vm_without_a_word_from_its_instance_is_not_ready(vmi: Json | None, reason: str) -> None:
    vm = make_vm("Manual")
    ready = conditions.find(after(vm, decide(vm, vmi))["status"]["conditions"], "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("False", reason)


def test_what_is_said_once_is_not_written_again() -> None:
    vm = make_vm()
    vmi = vm_instance("Running", conditions=[condition("Ready"), condition("AgentConnected")])
    new = after(vm, decide(vm, vmi))
    assert decide(new, vmi, now=later(100)) == []
    halted = make_vm("Halted")
    assert decide(after(halted, decide(halted)), now=later(100)) == []


def test_an_instance_that_was_just_made_spares_its_vm_a_write() -> None:
    vmi = vm_instance("")
    vmi["status"] = {"virtualMachineRevisionName": "r"}
    assert decide(make_vm(), vmi) == []


# Changes while it runs.


def _started_from(vm: Json) -> Json:
    return {"spec": copy.deepcopy(vm["spec"])}


def test_another_template_needs_a_restart() -> None:
    vm = make_vm(generation=3)
    before = _started_from(vm)
    vm["spec"]["template"]["spec"]["domain"]["memory"]["guest"] = "256Mi"
    new = after(vm, decide(vm, vm_instance("Running"), started_from=before))
    one = conditions.find(new["status"]["conditions"], "RestartRequired")
    assert one is not None
    assert one["message"] == "a non-live-updatable field was changed in the template spec"
    assert (new["status"]["observedGeneration"], new["status"]["desiredGeneration"]) == (2, 3)
    stopped = after(new, decide({**new, "spec": {**new["spec"], "runStrategy": "Halted"}}))
    assert conditions.find(stopped["status"]["conditions"], "RestartRequired") is None


@pytest.mark.parametrize("rollout", list(RolloutStrategy))
def test_where_it_may_run_reaches_the_instance_at_once_unless_it_is_staged(
    rollout: RolloutStrategy,
) -> None:
    vm = make_vm(generation=3)
    before = _started_from(vm)
    vm["spec"]["template"]["spec"]["nodeSelector"] = {"zone": "a"}
    settings = Settings(config=ClusterConfig(rollout_strategy=rollout))
    vmi = vm_instance("Running")
    actions = decide(vm, vmi, started_from=before, settings=settings)
    changes = [one for one in actions if isinstance(one, Change) and one.kind is VMI]
    restart = conditions.find(after(vm, actions)["status"]["conditions"], "RestartRequired")
    if rollout is RolloutStrategy.LIVE_UPDATE:
        new = apply_merge(vmi, changes[0].patch)
        assert new["spec"]["nodeSelector"] == {"zone": "a"}
        assert new["metadata"]["annotations"][names.VM_GENERATION] == "3"
        assert restart is None
    else:
        assert changes == []
        assert restart is not None


def test_a_change_beside_the_template_is_noted_on_the_instance() -> None:
    vm = make_vm("RerunOnFailure", generation=3)
    vmi = vm_instance("Running")
    actions = decide(vm, vmi, started_from=_started_from(make_vm()))
    (change,) = (one for one in actions if isinstance(one, Change) and one.kind is VMI)
    assert change.patch == {"metadata": {"annotations": {names.VM_GENERATION: "3"}}}


# Deletion.


def test_a_deleted_vm_stops_its_instance_and_goes_after_it() -> None:
    vm = make_vm(deleting=True)
    assert step_of(decide(vm, vm_instance("Running"))) == "delete"
    assert step_of(decide(vm, vm_instance("Running", deleting=True))) == ""
    assert after(vm, decide(vm))["metadata"]["finalizers"] == []


def test_a_deleted_vm_whose_dependents_stay_leaves_its_instance() -> None:
    vm = make_vm(deleting=True)
    vm["metadata"]["finalizers"].append("orphan")
    actions = decide(vm, vm_instance("Running"))
    assert step_of(actions) == ""
    assert after(vm, actions)["metadata"]["finalizers"] == ["orphan"]


@pytest.mark.parametrize("deleting", [True, False])
def test_an_instance_is_let_go_when_its_end_was_noted(deleting: bool) -> None:
    vm = make_vm(deleting=deleting)
    vmi = vm_instance("Succeeded", deleting=True, ran=10)
    changes = [one for one in decide(vm, vmi) if isinstance(one, Change)]
    assert changes[0].kind is VM
    assert changes[-1].kind is VMI
    assert changes[-1].patch["metadata"] == {"finalizers": [names.VMI_FINALIZER]}


def test_times_are_as_kubernetes_writes_them() -> None:
    vm = make_vm("Halted")
    ready = conditions.find(after(vm, decide(vm))["status"]["conditions"], "Ready")
    assert ready is not None
    assert ready["lastTransitionTime"] == STAMP
