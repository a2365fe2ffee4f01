"""Nodes whose virt-handler is not heard of."""

from __future__ import annotations

import pytest

from tests.unit.virtoperator_controller.objects import (
    NOW,
    SETTINGS,
    Json,
    apply_merge,
    ended_pod,
    later,
    make_vmi,
    running_pod,
    stamp,
)
from virtoperator import names
from virtoperator.controller.actions import Again, Change
from virtoperator.controller.node.reconcile import Observed, is_lost, reconcile
from virtoperator.controller.vmi import reconcile as vmis
from virtoperator.controller.vmi.observed import Observed as SeenVmi
from virtoperator.kinds import VMI


def make_node(heartbeat: str | None, schedulable: str = "true") -> Json:
    annotations = {} if heartbeat is None else {names.HEARTBEAT: heartbeat}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": "node-a",
            "uid": "n",
            "resourceVersion": "3",
            "labels": {names.SCHEDULABLE: schedulable},
            "annotations": annotations,
        },
    }


def ago(seconds: float) -> str:
    return stamp(later(-seconds))


def test_a_silent_node_takes_no_vms() -> None:
    (change,) = reconcile(Observed(node=make_node(ago(301)), now=NOW))
    assert isinstance(change, Change)
    assert change.patch == {"metadata": {"labels": {names.SCHEDULABLE: "false"}}}
    assert [event.reason for event in change.told] == ["NodeUnresponsive"]


def test_a_node_is_looked_at_again_when_its_time_is_up() -> None:
    assert reconcile(Observed(node=make_node(ago(100)), now=NOW)) == [Again(seconds=201)]


@pytest.mark.parametrize(
    "node", [make_node(None), make_node(ago(900), "false"), make_node(None, "false")]
)
def test_other_nodes_are_left_alone(node: Json) -> None:
    assert reconcile(Observed(node=node, now=NOW)) == []


@pytest.mark.parametrize(
    ("heartbeat", "lost"),
    [(None, False), (ago(299), False), (ago(301), True), ("yesterday", True)],
)
def test_when_a_node_is_lost(heartbeat: str | None, lost: bool) -> None:
    assert is_lost(make_node(heartbeat), NOW) is lost


@pytest.mark.parametrize(
    ("pods", "failed"),
    [((), True), ((ended_pod(137, ago=1),), True), ((running_pod(ready=True),), False)],
)
def test_vms_of_a_lost_node_fail_when_their_pods_have_ended(
    pods: tuple[Json, ...], failed: bool
) -> None:
    vmi = make_vmi("Running")
    seen = SeenVmi(vmi=vmi, pods=pods, node_lost=True, settings=SETTINGS, now=NOW)
    changes = [one for one in vmis.reconcile(seen) if isinstance(one, Change) and one.kind is VMI]
    new = apply_merge(vmi, changes[0].patch) if changes else vmi
    if failed:
        assert (new["status"]["phase"], new["status"]["reason"]) == ("Failed", "NodeUnresponsive")
        assert [event.reason for event in changes[0].told] == ["NodeUnresponsive"]
    else:
        assert new["status"]["phase"] == "Running"
