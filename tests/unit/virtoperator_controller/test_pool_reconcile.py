"""One pool: numbers, names, who goes first, and how a changed template gets around."""

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
from virtoperator.controller.actions import Action, Change, Create, Delete, Failure
from virtoperator.controller.pool.member import REVISION_LABEL, member, revision
from virtoperator.controller.pool.observed import Observed
from virtoperator.controller.pool.reconcile import reconcile, report
from virtoperator.kinds import POOL, VM, VMI


def make_pool(replicas: int | None = 3, **spec: Any) -> Json:
    template: Json = {
        "metadata": {"labels": {"app": "x"}},
        "spec": {
            "runStrategy": "Always",
            "template": {"metadata": {"labels": {"app": "x"}}, "spec": copy.deepcopy(SPEC)},
        },
    }
    wished = {} if replicas is None else {"replicas": replicas}
    return {
        "apiVersion": "pool.kubevirt.io/v1beta1",
        "kind": "VirtualMachinePool",
        "metadata": {"name": "many", "namespace": "default", "uid": "p", "resourceVersion": "5"},
        "spec": {
            "selector": {"matchLabels": {"app": "x"}},
            "virtualMachineTemplate": template,
            **wished,
            **spec,
        },
    }


def vm_of(pool: Json, number: int, *, ready: bool = True, **status: Any) -> Json:
    """A VM that the pool has made, and that its controller has taken into care."""
    vm = member(pool, number)
    vm["metadata"].update(
        uid=f"uid{number}", resourceVersion="9", creationTimestamp=stamp(later(number))
    )
    vm["spec"]["template"]["spec"]["domain"]["firmware"] = {"uuid": f"firmware{number}"}
    return {**vm, "status": {"ready": ready, **status}}


def decide(pool: Json, *vms: Json, **seen: Any) -> list[Action]:
    return reconcile(Observed(pool=pool, vms=vms, **{"now": NOW, "settings": SETTINGS, **seen}))


def created(actions: list[Action]) -> list[str]:
    return [one.body["metadata"]["name"] for one in actions if isinstance(one, Create)]


def deleted(actions: list[Action]) -> list[str]:
    return [one.name for one in actions if isinstance(one, Delete) and one.kind is VM]


def restarted(actions: list[Action]) -> list[str]:
    return [one.name for one in actions if isinstance(one, Delete) and one.kind is VMI]


def status_of(pool: Json, actions: list[Action]) -> Json:
    for action in actions:
        if isinstance(action, Change) and action.kind is POOL:
            pool = apply_merge(pool, action.patch)
    status = pool["status"]
    assert isinstance(status, dict)
    return status


def instance_of(number: int, node: str = "node-a") -> Json:
    vmi = make_vmi("Running", nodeName=node)
    vmi["metadata"].update(name=f"many-{number}", uid=f"vmi{number}")
    return vmi


def test_the_lowest_free_numbers_are_given() -> None:
    pool = make_pool(4)
    going = vm_of(pool, 2)
    going["metadata"]["deletionTimestamp"] = STAMP
    assert created(decide(pool, vm_of(pool, 0), going)) == ["many-1", "many-3", "many-4"]
    assert created(decide(make_pool(None))) == ["many-0"]


@pytest.mark.parametrize(
    ("policy", "gone"),
    [
        ({"sortPolicy": "AscendingOrder"}, ["many-0", "many-1"]),
        ({"sortPolicy": "DescendingOrder"}, ["many-3", "many-2"]),
        ({"sortPolicy": "Newest"}, ["many-3", "many-2"]),
        ({"sortPolicy": "Oldest"}, ["many-0", "many-1"]),
        (
            {
                "sortPolicy": "AscendingOrder",
                "selectors": {"labelSelector": {"matchLabels": {"first": "yes"}}},
            },
            ["many-2", "many-0"],
        ),
        (
            {
                "sortPolicy": "AscendingOrder",
                "selectors": {
                    "nodeSelectorRequirementMatcher": [
                        {"key": "zone", "operator": "In", "values": ["b"]}
                    ]
                },
            },
            ["many-3", "many-0"],
        ),
    ],
)
def test_who_goes_first(policy: Json, gone: list[str]) -> None:
    pool = make_pool(2, scaleInStrategy={"proactive": {"selectionPolicy": policy}})
    vms = [vm_of(pool, number) for number in range(4)]
    vms[2]["metadata"]["labels"]["first"] = "yes"
    vmis = {f"many-{number}": instance_of(number) for number in range(3)}
    vmis["many-3"] = instance_of(3, "node-b")
    nodes = {"node-b": {"metadata": {"name": "node-b", "labels": {"zone": "b"}}}}
    nodes["node-a"] = {"metadata": {"name": "node-a", "labels": {"zone": "a"}}}
    assert deleted(decide(pool, *vms, vmis=vmis, nodes=nodes)) == gone


def test_a_random_order_is_the_same_for_whoever_looks() -> None:
    pool = make_pool(2)
    vms = [vm_of(pool, number) for number in range(5)]
    assert deleted(decide(pool, *vms)) == deleted(decide(pool, *reversed(vms)))


@pytest.mark.parametrize("strategy", ["unmanaged", "opportunistic"])
def test_a_pool_that_may_not_shrink_waits(strategy: str) -> None:
    pool = make_pool(1, scaleInStrategy={strategy: {}})
    assert deleted(decide(pool, vm_of(pool, 0), vm_of(pool, 1))) == []


def test_names_that_must_not_be_shared_get_the_number() -> None:
    pool = make_pool(
        1, nameGeneration={"appendIndexToConfigMapRefs": True, "appendIndexToSecretRefs": True}
    )
    inner = pool["spec"]["virtualMachineTemplate"]["spec"]
    inner["dataVolumeTemplates"] = [{"metadata": {"name": "root"}, "spec": {}}]
    inner["template"]["spec"]["volumes"] = [
        {"name": "a", "dataVolume": {"name": "root"}},
        {"name": "b", "persistentVolumeClaim": {"claimName": "shared"}},
        {"name": "c", "configMap": {"name": "cm"}},
        {"name": "d", "secret": {"secretName": "s"}},
        {"name": "e", "cloudInitNoCloud": {"secretRef": {"name": "u"}}},
    ]
    spec = member(pool, 7)["spec"]
    assert spec["dataVolumeTemplates"][0]["metadata"]["name"] == "root-7"
    assert spec["template"]["spec"]["volumes"] == [
        {"name": "a", "dataVolume": {"name": "root-7"}},
        {"name": "b", "persistentVolumeClaim": {"claimName": "shared"}},
        {"name": "c", "configMap": {"name": "cm-7"}},
        {"name": "d", "secret": {"secretName": "s-7"}},
        {"name": "e", "cloudInitNoCloud": {"secretRef": {"name": "u-7"}}},
    ]


def test_a_changed_template_reaches_the_vms_and_their_identity_stays() -> None:
    old = make_pool(1)
    vm = vm_of(old, 0)
    new = make_pool(1)
    domain = new["spec"]["virtualMachineTemplate"]["spec"]["template"]["spec"]["domain"]
    domain["memory"]["guest"] = "256Mi"
    (change,) = (one for one in decide(new, vm) if isinstance(one, Change) and one.kind is VM)
    changed = apply_merge(vm, change.patch)
    domain = changed["spec"]["template"]["spec"]["domain"]
    assert (domain["memory"]["guest"], domain["firmware"]) == ("256Mi", {"uuid": "firmware0"})
    assert changed["metadata"]["labels"][REVISION_LABEL] == revision(new)
    assert [one for one in decide(new, changed) if isinstance(one, Change) and one.kind is VM] == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, ["many-0", "many-1", "many-2"]),
        ({"maxUnavailable": 1}, ["many-0"]),
        ({"maxUnavailable": "67%"}, ["many-0", "many-1"]),
        ({"updateStrategy": {"opportunistic": {}}}, []),
        ({"updateStrategy": {"unmanaged": {}}}, []),
    ],
)
def test_what_runs_the_old_template_is_restarted_within_bounds(
    spec: Json, expected: list[str]
) -> None:
    policy = {"proactive": {"selectionPolicy": {"sortPolicy": "AscendingOrder"}}}
    pool = make_pool(3, **{"updateStrategy": policy, **spec})
    needs = [condition("RestartRequired")]
    vms = [vm_of(pool, number, conditions=needs) for number in range(3)]
    vmis = {f"many-{number}": instance_of(number) for number in range(3)}
    assert restarted(decide(pool, *vms, vmis=vmis)) == expected


def test_one_that_is_down_counts_against_the_bound() -> None:
    pool = make_pool(2, maxUnavailable=1)
    needs = [condition("RestartRequired")]
    vms = [vm_of(pool, 0, conditions=needs), vm_of(pool, 1, ready=False)]
    assert restarted(decide(pool, *vms, vmis={"many-0": instance_of(0)})) == []


@pytest.mark.parametrize(
    ("rule", "count", "since", "replaced"),
    [
        (None, 9, 999, False),
        ({}, 3, 301, True),
        ({}, 2, 301, False),
        ({}, 3, 299, False),
        ({"startUpFailureThreshold": 1, "minFailingToStartDuration": "1m"}, 1, 61, True),
    ],
)
def test_a_vm_that_never_starts_is_replaced_where_that_is_wished(
    rule: Json | None, count: int, since: float, replaced: bool
) -> None:
    pool = make_pool(1, **({} if rule is None else {"autohealing": rule}))
    not_ready = {**condition("Ready", "False"), "lastTransitionTime": stamp(later(-since))}
    failing = {"conditions": [not_ready], "startFailure": {"consecutiveFailCount": count}}
    vm = vm_of(pool, 0, ready=False, **failing)
    assert (deleted(decide(pool, vm)) == ["many-0"]) is replaced


def test_the_status_counts() -> None:
    pool = make_pool(2)
    vms = vm_of(pool, 0), vm_of(pool, 1, ready=False)
    status = status_of(pool, decide(pool, *vms))
    assert status == {"replicas": 2, "readyReplicas": 1, "labelSelector": "app=x"}
    assert decide({**pool, "status": status}, *vms) == []


def test_a_paused_pool_does_nothing() -> None:
    pool = make_pool(3, paused=True)
    actions = decide(pool)
    assert created(actions) == []
    assert conditions.is_true(status_of(pool, actions)["conditions"], "ReplicaPaused")


def test_a_template_that_cannot_run_is_said() -> None:
    pool = make_pool(1)
    pool["spec"]["virtualMachineTemplate"]["spec"]["template"]["spec"]["volumes"] = []
    actions = decide(pool)
    assert created(actions) == []
    assert conditions.is_true(status_of(pool, actions)["conditions"], "ReplicaFailure")


def test_a_refusal_is_said() -> None:
    pool = make_pool(1)
    create = next(one for one in decide(pool) if isinstance(one, Create))
    seen = Observed(pool=pool, settings=SETTINGS, now=NOW)
    told = report(seen, Failure(action=create, message="quota exceeded"))
    one = conditions.find(status_of(pool, told)["conditions"], "ReplicaFailure")
    assert one is not None
    assert (one["reason"], one["message"]) == ("FailedCreate", "quota exceeded")


def test_a_pool_that_is_being_deleted_makes_nothing() -> None:
    pool = make_pool(3)
    pool["metadata"]["deletionTimestamp"] = STAMP
    assert decide(pool) == []
