"""One VM: when it is started and stopped, and from what."""

from __future__ import annotations

import pytest

from tests.unit.virtoperator_controller.deciding import (
    OTHER_STOP,
    START,
    STOP,
    after,
    decide,
    step_of,
)
from tests.unit.virtoperator_controller.objects import (
    NOW,
    SETTINGS,
    VM_UID,
    Json,
    make_vm,
    vm_instance,
)
from virtoperator import conditions, names
from virtoperator.controller.actions import Create, Delete, Failure
from virtoperator.controller.vm.observed import Observed
from virtoperator.controller.vm.reconcile import report
from virtoperator.controller.vm.strategies import RunStrategy
from virtoperator.kinds import REVISION


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


@pytest.mark.parametrize("field", ["instancetype", "preference"])
def test_a_size_by_name_is_refused_by_its_field(field: str) -> None:
    vm = make_vm()
    vm["spec"][field] = {"name": "large"}
    actions = decide(vm)
    assert step_of(actions) == ""
    failure = conditions.find(after(vm, actions)["status"]["conditions"], "Failure")
    assert failure is not None
    assert f"spec.{field} is not available yet" in failure["message"]


def test_a_vm_that_runs_goes_on_although_its_template_means_nothing_to_us() -> None:
    vm = make_vm()
    vm["spec"]["template"]["spec"] = {"domain": {"firmware": {"uuid": "u"}, "newer": [7]}}
    assert step_of(decide(vm, vm_instance("Running"))) == ""
    assert step_of(decide({**vm, "spec": {**vm["spec"], "runStrategy": "Halted"}}, None)) == ""


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
