"""One VM: run strategies, requests, pauses after failures, and what its status says."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.unit.virtoperator_controller.objects import (
    NOW,
    SETTINGS,
    STAMP,
    UID,
    VM_UID,
    Json,
    apply_merge,
    condition,
    later,
    make_vm,
    stamp,
    vm_instance,
)
from virtcrds.clusterconfig import ClusterConfig, RolloutStrategy
from virtoperator import conditions, names
from virtoperator.controller.actions import Action, Again, Change, Create, Delete, Failure
from virtoperator.controller.vm.observed import Observed
from virtoperator.controller.vm.reconcile import reconcile, report
from virtoperator.controller.vm.strategies import RunStrategy
from virtoperator.kinds import REVISION, VM, VMI
from virtoperator.settings import Settings


def decide(vm: Json, vmi: Json | None = None, **seen: Any) -> list[Action]:
    return reconcile(Observed(vm=vm, vmi=vmi, **{"now": NOW, "settings": SETTINGS, **seen}))


def after(vm: Json, actions: list[Action]) -> Json:
    for action in actions:
        if isinstance(action, Change) and action.kind is VM:
            vm = apply_merge(vm, action.patch)
    return vm


def step_of(actions: list[Action]) -> str:
    """What is done with the instance, in one word."""
    steps = {
        *("create" for one in actions if isinstance(one, Create) and one.kind is VMI),
        *("delete" for one in actions if isinstance(one, Delete) and one.kind is VMI),
        *(
            "flip"
            for one in actions
            if isinstance(one, Change) and one.kind is VM and "spec" in one.patch
        ),
    }
    assert len(steps) <= 1
    return steps.pop() if steps else ""


START: Json = {"action": "Start"}
STOP: Json = {"action": "Stop", "uid": UID}
OTHER_STOP: Json = {"action": "Stop", "uid": "another"}


@pytest.mark.parametrize("phase", [None, "Running", "Succeeded", "Failed"])
@pytest.mark.parametrize(
    ("strategy", "requests", "acted_on", "steps"),
    [
        # strategy, requests, status.runStrategy → absent, running, succeeded, failed
        ("Always", [], "Always", ("create", "", "delete", "delete")),
        ("Always", [STOP], "Always", ("create", "delete", "delete", "delete")),
        ("Always", [STOP, START], "Always", ("create", "delete", "delete", "delete")),
        ("Always", [OTHER_STOP], "Always", ("create", "", "delete", "delete")),
        ("RerunOnFailure", [], "RerunOnFailure", ("", "", "delete", "delete")),
        ("RerunOnFailure", [], "Halted", ("create", "", "delete", "delete")),
        ("RerunOnFailure", [], None, ("create", "", "delete", "delete")),
        ("RerunOnFailure", [START], "RerunOnFailure", ("create", "", "delete", "delete")),
        ("RerunOnFailure", [STOP], "RerunOnFailure", ("", "delete", "delete", "delete")),
        ("Manual", [], "Manual", ("", "", "", "")),
        ("Manual", [], None, ("", "", "", "")),
        ("Manual", [START], "Manual", ("create", "", "", "")),
        ("Manual", [STOP], "Manual", ("", "delete", "delete", "delete")),
        ("Manual", [STOP, START], "Manual", ("create", "delete", "delete", "delete")),
        ("Halted", [], "Halted", ("", "delete", "delete", "delete")),
        ("Halted", [START], "Halted", ("flip", "delete", "delete", "delete")),
        ("Once", [], "Once", ("create", "", "", "")),
        ("Once", [], "Halted", ("create", "", "", "")),
        ("WaitAsReceiver", [], "Halted", ("", "", "", "")),
    ],
)
def test_run_strategies(
    strategy: str,
    requests: list[Json],
    acted_on: str | None,
    steps: tuple[str, ...],
    phase: str | None,
) -> None:
    status: Json = {"runStrategy": acted_on} if acted_on else {}
    vm = make_vm(strategy, stateChangeRequests=requests, **status)
    vmi = vm_instance(phase, ran=600) if phase else None
    expected = steps[(None, "Running", "Succeeded", "Failed").index(phase)]
    assert step_of(decide(vm, vmi)) == expected


@pytest.mark.parametrize("phase", ["", "Pending", "Scheduling", "Scheduled"])
@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        *((strategy, "") for strategy in ("Always", "RerunOnFailure", "Manual", "Once")),
        ("Halted", "delete"),
    ],
)
def test_an_instance_on_its_way_is_as_one_that_runs(
    strategy: str, phase: str, expected: str
) -> None:
    assert step_of(decide(make_vm(strategy), vm_instance(phase))) == expected


@pytest.mark.parametrize("strategy", list(RunStrategy))
@pytest.mark.parametrize("phase", ["Running", "Failed"])
def test_an_instance_that_is_being_deleted_is_waited_for(strategy: str, phase: str) -> None:
    vm = make_vm(strategy, stateChangeRequests=[STOP, START])
    assert step_of(decide(vm, vm_instance(phase, deleting=True))) == ""


@pytest.mark.parametrize(
    ("requests", "vmi", "left"),
    [
        ([STOP, START], vm_instance("Running"), [STOP, START]),
        ([STOP, START], None, [START]),
        ([OTHER_STOP, START], vm_instance("Running"), []),
        ([START], vm_instance("Running"), []),
        ([START], vm_instance("Succeeded"), [START]),
        ([STOP], None, []),
    ],
)
def test_requests_go_when_they_are_fulfilled(
    requests: list[Json], vmi: Json | None, left: list[Json]
) -> None:
    vm = make_vm("Manual", stateChangeRequests=requests, startFailure={"x": 1})
    if vmi is None and left:
        return  # They stay until the instance is there.
    new = after(vm, decide(vm, vmi))
    assert new["status"].get("stateChangeRequests", []) == left


@pytest.mark.parametrize(
    ("running", "strategy", "expected"),
    [(True, None, "create"), (False, None, ""), (None, None, "")],
)
def test_the_older_field_means_always_or_halted(
    running: bool | None, strategy: str | None, expected: str
) -> None:
    assert step_of(decide(make_vm(strategy, running=running))) == expected


@pytest.mark.parametrize(
    ("vm", "words"),
    [
        (make_vm("Always", running=True), "mutually exclusive"),
        (make_vm("Sometimes"), "spec.runStrategy 'Sometimes' is not known"),
    ],
)
def test_a_wish_that_cannot_be_followed_is_said(vm: Json, words: str) -> None:
    actions = decide(vm)
    assert step_of(actions) == ""
    failure = conditions.find(after(vm, actions)["status"]["conditions"], "Failure")
    assert failure is not None
    assert (failure["reason"], words in failure["message"]) == ("InvalidSpec", True)


def test_a_new_vm_is_taken_into_care_with_one_write() -> None:
    vm = make_vm(new=True)
    (change,) = decide(vm)
    new = after(vm, [change])
    assert new["metadata"]["finalizers"] == [names.VM_FINALIZER]
    firmware = new["spec"]["template"]["spec"]["domain"]["firmware"]
    assert firmware["uuid"] and firmware["serial"]
    assert after(vm, decide(vm)) == new


def test_a_vm_from_before_keeps_the_identity_that_its_guest_had() -> None:
    vm = make_vm()
    del vm["spec"]["template"]["spec"]["domain"]["firmware"]
    firmware = after(vm, decide(vm))["spec"]["template"]["spec"]["domain"]["firmware"]
    assert firmware == {"uuid": "fe97c2f2-49b0-5910-970b-29d9c215f5c2"}


def test_a_start_makes_a_revision_and_then_the_instance() -> None:
    vm = make_vm()
    revision, vmi = decide(vm)
    assert isinstance(revision, Create) and isinstance(vmi, Create)
    assert revision.kind is REVISION
    assert revision.body["metadata"]["name"] == f"revision-start-vm-{VM_UID}-2"
    assert revision.body["data"] == {"spec": vm["spec"]}
    body = vmi.body
    assert body["metadata"]["labels"] == {"app": "x"}
    assert body["metadata"]["annotations"] == {names.VM_GENERATION: "2"}
    assert body["metadata"]["finalizers"] == [names.VM_FINALIZER, names.VMI_FINALIZER]
    assert body["metadata"]["ownerReferences"][0]["uid"] == VM_UID
    assert body["status"] == {"virtualMachineRevisionName": revision.body["metadata"]["name"]}
    assert vmi.told is not None
    assert vmi.told.message.endswith("creating the new virtual machine instance one")


def test_addresses_are_the_same_at_every_start() -> None:
    vm = make_vm()
    first, second = (
        decide(vm)[1],
        decide({**vm, "metadata": {**vm["metadata"], "generation": 9}})[1],
    )
    assert isinstance(first, Create) and isinstance(second, Create)
    (one,), (other,) = (
        create.body["spec"]["domain"]["devices"]["interfaces"] for create in (first, second)
    )
    assert one["macAddress"] == other["macAddress"]


def test_a_restart_keeps_one_revision() -> None:
    vm = make_vm(generation=5)
    old = {"metadata": {"name": "revision-start-vm-x-4", "namespace": "default", "uid": "r4"}}
    same = {
        "metadata": {
            "name": f"revision-start-vm-{VM_UID}-5",
            "namespace": "default",
            "uid": "r5",
        }
    }
    actions = decide(vm, revisions=(old, same))
    assert [type(one) for one in actions] == [Create, Delete]
    assert isinstance(actions[1], Delete)
    assert actions[1].uid == "r4"


def test_a_paused_start_of_a_halted_vm() -> None:
    vm = make_vm("Halted", stateChangeRequests=[{"action": "Start", "data": {"paused": "true"}}])
    flipped = after(vm, decide(vm))
    assert flipped["spec"]["runStrategy"] == "Always"
    create = decide(flipped)[-1]
    assert isinstance(create, Create)
    assert create.body["spec"]["startStrategy"] == "Paused"


def test_an_invalid_template_is_said_on_the_vm_and_nothing_is_made() -> None:
    vm = make_vm()
    vm["spec"]["template"]["spec"]["volumes"] = []
    actions = decide(vm)
    assert step_of(actions) == ""
    failure = conditions.find(after(vm, actions)["status"]["conditions"], "Failure")
    assert failure is not None
    assert "spec.template.spec.domain.devices.disks[0]" in failure["message"]


def test_an_instance_that_is_refused_is_said_on_the_vm() -> None:
    vm = make_vm()
    create = decide(vm)[1]
    assert isinstance(create, Create)
    failure = Failure(action=create, message="quota exceeded")
    new = after(vm, report(Observed(vm=vm, now=NOW, settings=SETTINGS), failure))
    one = conditions.find(new["status"]["conditions"], "Failure")
    assert one is not None
    assert (one["reason"], one["message"]) == ("FailedCreate", "quota exceeded")
    cured = after(new, decide(new, vm_instance("Scheduling")))
    assert conditions.find(cured["status"]["conditions"], "Failure") is None


# Pauses between starts that fail.


def fail_count(vm: Json) -> int:
    return int((vm["status"].get("startFailure") or {}).get("consecutiveFailCount", 0))


@pytest.mark.parametrize(
    ("phase", "ran", "counted"),
    [
        ("Failed", None, 1),
        ("Succeeded", None, 1),
        ("Failed", 5, 1),
        ("Failed", 600, 0),
        ("Succeeded", 5, 0),
    ],
)
def test_an_instance_that_never_got_going_counts(
    phase: str, ran: float | None, counted: int
) -> None:
    vm = make_vm()
    actions = decide(vm, vm_instance(phase, ran=ran))
    assert step_of(actions) == "delete"
    new = after(vm, actions)
    assert fail_count(new) == counted
    assert fail_count(after(new, decide(new, vm_instance(phase, ran=ran)))) == counted


@pytest.mark.parametrize(("count", "least", "most"), [(1, 10, 15), (2, 40, 60), (9, 300, 300)])
def test_the_pause_grows_with_the_square(count: int, least: int, most: int) -> None:
    known = {"consecutiveFailCount": count - 1, "lastFailedVMIUID": "before"}
    vm = make_vm(startFailure=known)
    failure = after(vm, decide(vm, vm_instance("Failed")))["status"]["startFailure"]
    assert failure["consecutiveFailCount"] == count
    pause = (conditions.parsed(failure["retryAfterTimestamp"]) - NOW).total_seconds()
    assert least <= pause <= most


def test_the_next_start_waits_for_its_time() -> None:
    retry = {
        "consecutiveFailCount": 1,
        "lastFailedVMIUID": UID,
        "retryAfterTimestamp": stamp(later(12)),
    }
    vm = make_vm(startFailure=retry)
    actions = decide(vm)
    assert step_of(actions) == ""
    assert actions[-1] == Again(seconds=12)
    assert after(vm, actions)["status"]["printableStatus"] == "CrashLoopBackOff"
    assert step_of(decide(vm, now=later(13))) == "create"


@pytest.mark.parametrize(
    ("strategy", "ran", "cleared"),
    [("Always", 600, True), ("Always", 5, False), ("Manual", 5, True), ("Halted", 5, True)],
)
def test_failures_are_forgotten_once_the_vm_runs(strategy: str, ran: float, cleared: bool) -> None:
    vm = make_vm(strategy, startFailure={"consecutiveFailCount": 3, "lastFailedVMIUID": "old"})
    vmi = vm_instance("Running")
    vmi["status"]["phaseTransitionTimestamps"][0]["phaseTransitionTimestamp"] = stamp(later(-ran))
    actions = decide(vm, vmi)
    assert ("startFailure" not in after(vm, actions)["status"]) is cleared
    if not cleared:
        assert actions[-1] == Again(seconds=25)


def test_a_vm_says_why_its_last_start_failed_when_the_instance_is_gone() -> None:
    vm = make_vm()
    why = condition("Synchronized", "False", "OOMKilled", "The VM was killed.")
    vmi = vm_instance("Failed", reason="OOMKilled", conditions=[why])
    new = after(after(vm, decide(vm, vmi)), decide(after(vm, decide(vm, vmi))))
    failure = conditions.find(new["status"]["conditions"], "Failure")
    assert failure is not None
    assert (failure["reason"], failure["message"]) == ("OOMKilled", "The VM was killed.")


def test_a_failure_restarts_a_vm_that_reruns_and_a_stop_that_was_asked_for_does_not() -> None:
    vm = make_vm("RerunOnFailure", runStrategy="RerunOnFailure")
    failed = after(vm, decide(vm, vm_instance("Failed", ran=600)))
    assert failed["status"]["stateChangeRequests"] == [START]
    asked = make_vm("RerunOnFailure", runStrategy="RerunOnFailure", stateChangeRequests=[STOP])
    stopped = after(asked, decide(asked, vm_instance("Failed", ran=600)))
    assert stopped["status"]["stateChangeRequests"] == [STOP]


def test_manual_recovery_keeps_a_vm_from_starting() -> None:
    vm = make_vm(conditions=[condition("ManualRecoveryRequired")])
    assert step_of(decide(vm)) == ""


# The status.


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
