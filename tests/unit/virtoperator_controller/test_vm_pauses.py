"""Starts that fail are repeated after growing pauses."""

from __future__ import annotations

import pytest

from tests.unit.virtoperator_controller.deciding import (
    START,
    STOP,
    after,
    decide,
    step_of,
)
from tests.unit.virtoperator_controller.objects import (
    NOW,
    UID,
    Json,
    condition,
    later,
    make_vm,
    stamp,
    vm_instance,
)
from virtoperator import conditions
from virtoperator.controller.actions import Again


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
