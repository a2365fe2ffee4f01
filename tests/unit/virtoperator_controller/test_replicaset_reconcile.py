"""One replica set: how many, which, under what names, and what its status says."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.unit.virtoperator_controller.objects import (
    NOW,
    SETTINGS,
    SPEC,
    STAMP,
    Json,
    apply_merge,
    condition,
    later,
    make_vmi,
    stamp,
)
from virtoperator import conditions
from virtoperator.controller.actions import Action, Again, Change, Create, Delete, Failure
from virtoperator.controller.replicaset.observed import Observed
from virtoperator.controller.replicaset.reconcile import BURST, reconcile, report
from virtoperator.controller.selectors import takes, text_of
from virtoperator.kinds import REPLICASET, VMI

RS_UID = "rs-uid"
_NO_NEWS: Json = {"replicas": 0, "readyReplicas": 0, "labelSelector": "app=x"}


def make_set(replicas: int | None = 3, *, paused: bool = False, version: str = "5") -> Json:
    spec: Json = {
        "selector": {"matchLabels": {"app": "x"}},
        "template": {"metadata": {"labels": {"app": "x"}}, "spec": copy.deepcopy(SPEC)},
    }
    if replicas is not None:
        spec["replicas"] = replicas
    if paused:
        spec["paused"] = True
    meta = {"name": "many", "namespace": "default", "uid": RS_UID, "resourceVersion": version}
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstanceReplicaSet",
        "metadata": meta,
        "spec": spec,
    }


def replica(number: int, phase: str = "Running", *, ready: bool = True, **status: Any) -> Json:
    said = [condition("Ready", str(ready), "" if ready else "GuestNotRunning")]
    vmi = make_vmi(phase, **{"conditions": said, **status})
    vmi["metadata"].update(
        name=f"many{number}",
        uid=f"uid{number}",
        labels={"app": "x"},
        creationTimestamp=stamp(later(number)),
        ownerReferences=[{"uid": RS_UID, "controller": True, "kind": "X", "name": "many"}],
    )
    return vmi


def decide(replicaset: Json, *own: Json, **seen: Any) -> list[Action]:
    seen = {"now": NOW, "settings": SETTINGS, **seen}
    return reconcile(Observed(replicaset=replicaset, own=own, **seen))


def created(actions: list[Action]) -> list[str]:
    return [one.body["metadata"]["name"] for one in actions if isinstance(one, Create)]


def deleted(actions: list[Action]) -> list[str]:
    return [one.name for one in actions if isinstance(one, Delete)]


def status_of(replicaset: Json, actions: list[Action]) -> Json:
    for action in actions:
        if isinstance(action, Change) and action.kind is REPLICASET:
            replicaset = apply_merge(replicaset, action.patch)
    status = replicaset["status"]
    assert isinstance(status, dict)
    return status


@pytest.mark.parametrize(
    ("wanted", "there", "made", "gone"),
    [(None, 0, 1, 0), (0, 0, 0, 0), (3, 0, 3, 0), (3, 3, 0, 0), (3, 5, 0, 2), (0, 2, 0, 2)],
)
def test_as_many_as_were_asked_for(wanted: int | None, there: int, made: int, gone: int) -> None:
    actions = decide(make_set(wanted), *(replica(number) for number in range(there)))
    assert (len(created(actions)), len(deleted(actions))) == (made, gone)


def test_one_pass_makes_no_more_than_a_burst() -> None:
    assert len(created(decide(make_set(1000)))) == BURST


def test_two_who_see_the_same_give_the_same_names_and_later_ones_are_new() -> None:
    first = created(decide(make_set()))
    assert first == created(decide(make_set()))
    assert set(first).isdisjoint(created(decide(make_set(version="6"))))
    assert all(name.startswith("many") and len(name) == 9 for name in first)


def test_what_is_made_is_the_template_and_belongs_to_the_set() -> None:
    (create,) = (one for one in decide(make_set(1)) if isinstance(one, Create))
    assert create.kind is VMI
    assert create.body["metadata"]["labels"] == {"app": "x"}
    assert create.body["spec"] == SPEC
    (owner,) = create.body["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["controller"]) == (RS_UID, True)


def test_those_who_are_not_ready_go_first_and_then_the_youngest() -> None:
    own = (replica(1), replica(2, ready=False), replica(3), replica(4))
    assert deleted(decide(make_set(2), *own)) == ["many2", "many4"]


@pytest.mark.parametrize(
    "lost",
    [
        replica(1, "Succeeded", ready=False),
        replica(1, "Failed", ready=False, phaseTransitionTimestamps=[]),
        replica(1, conditions=[condition("Ready", "False", "PodTerminating")]),
    ],
)
def test_one_that_is_over_is_replaced_and_deleted(lost: Json) -> None:
    actions = decide(make_set(2), lost, replica(2))
    assert len(created(actions)) == 1
    assert deleted(actions) == ["many1"]


def test_one_that_is_being_deleted_is_replaced() -> None:
    going = replica(1)
    going["metadata"]["deletionTimestamp"] = STAMP
    actions = decide(make_set(1), going)
    assert (len(created(actions)), deleted(actions)) == (1, [])


def test_one_that_never_ran_keeps_its_place_for_a_while() -> None:
    entered = [{"phase": "Failed", "phaseTransitionTimestamp": stamp(later(-4))}]
    failed = replica(1, "Failed", ready=False, phaseTransitionTimestamps=entered)
    actions = decide(make_set(1), failed)
    assert (created(actions), deleted(actions)) == ([], [])
    assert actions[-1] == Again(seconds=6)
    assert deleted(decide(make_set(1), failed, now=later(10))) == ["many1"]


def test_the_status_counts_and_has_the_selector_for_autoscalers() -> None:
    status = status_of(make_set(), decide(make_set(), replica(1), replica(2, ready=False)))
    assert status == {"replicas": 2, "readyReplicas": 1, "labelSelector": "app=x"}


def test_a_set_that_is_as_it_should_be_is_left_alone() -> None:
    full = {**make_set(1), "status": {**_NO_NEWS, "replicas": 1, "readyReplicas": 1}}
    assert decide(full, replica(1)) == []


def test_a_paused_set_neither_makes_nor_deletes() -> None:
    paused = make_set(3, paused=True)
    actions = decide(paused, replica(1))
    assert (created(actions), deleted(actions)) == ([], [])
    status = status_of(paused, actions)
    one = conditions.find(status["conditions"], "ReplicaPaused")
    assert one is not None
    assert (one["reason"], one["message"]) == ("Paused", "Controller got paused")
    resumed = {**make_set(3), "status": status}
    again = status_of(resumed, decide(resumed, replica(1)))
    assert conditions.find(again["conditions"], "ReplicaPaused") is None


def test_orphans_that_fit_are_adopted_and_others_are_let_go() -> None:
    orphan, stranger = replica(1), replica(2)
    orphan["metadata"]["ownerReferences"] = []
    stranger["metadata"]["labels"] = {"app": "y"}
    adopt, release = decide(make_set(1), stranger, orphans=(orphan,))
    assert isinstance(adopt, Change) and isinstance(release, Change)
    assert adopt.patch["metadata"]["ownerReferences"][0]["uid"] == RS_UID
    assert (release.name, release.patch) == ("many2", {"metadata": {"ownerReferences": []}})


def test_a_template_that_cannot_run_is_said_and_makes_nothing() -> None:
    broken = make_set()
    broken["spec"]["template"]["spec"]["volumes"] = []
    actions = decide(broken)
    assert created(actions) == []
    one = conditions.find(status_of(broken, actions)["conditions"], "ReplicaFailure")
    assert one is not None
    assert "disks[0]" in one["message"]


def test_a_refusal_is_said() -> None:
    replicaset = make_set(1)
    create = next(one for one in decide(replicaset) if isinstance(one, Create))
    seen = Observed(replicaset=replicaset, settings=SETTINGS, now=NOW)
    told = report(seen, Failure(action=create, message="quota exceeded"))
    one = conditions.find(status_of(replicaset, told)["conditions"], "ReplicaFailure")
    assert one is not None
    assert (one["reason"], one["message"]) == ("FailedCreate", "quota exceeded")


def test_a_set_that_is_being_deleted_makes_nothing() -> None:
    going = make_set()
    going["metadata"]["deletionTimestamp"] = STAMP
    assert decide(going) == []


@pytest.mark.parametrize(
    ("rule", "labels", "expected"),
    [
        ({"operator": "In", "values": ["a", "b"]}, {"k": "a"}, True),
        ({"operator": "In", "values": ["a", "b"]}, {"k": "c"}, False),
        ({"operator": "In", "values": ["a"]}, {}, False),
        ({"operator": "NotIn", "values": ["a"]}, {"k": "b"}, True),
        ({"operator": "NotIn", "values": ["a"]}, {}, True),
        ({"operator": "NotIn", "values": ["a"]}, {"k": "a"}, False),
        ({"operator": "Exists"}, {"k": ""}, True),
        ({"operator": "Exists"}, {}, False),
        ({"operator": "DoesNotExist"}, {}, True),
        ({"operator": "DoesNotExist"}, {"k": ""}, False),
        ({"operator": "Nonsense"}, {"k": ""}, False),
    ],
)
def test_selectors(rule: Json, labels: dict[str, str], expected: bool) -> None:
    assert takes({"matchExpressions": [{"key": "k", **rule}]}, labels) is expected


def test_a_selector_as_text() -> None:
    rules = [
        {"key": "c", "operator": "In", "values": ["y", "x"]},
        {"key": "d", "operator": "NotIn", "values": ["z"]},
        {"key": "e", "operator": "Exists"},
        {"key": "f", "operator": "DoesNotExist"},
    ]
    selector = {"matchLabels": {"b": "2", "a": "1"}, "matchExpressions": rules}
    assert text_of(selector) == "a=1,b=2,c in (x,y),d notin (z),e,!f"
