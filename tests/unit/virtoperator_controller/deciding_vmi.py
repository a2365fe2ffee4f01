"""What is decided about one VMI, and what the VMI says afterwards."""

from __future__ import annotations

from typing import Any

from tests.unit.virtoperator_controller.objects import (
    NOW,
    SETTINGS,
    Json,
    apply_merge,
)
from virtoperator import conditions
from virtoperator.controller.actions import Action, Change, Create, Delete
from virtoperator.controller.vmi.observed import Observed
from virtoperator.controller.vmi.reconcile import reconcile
from virtoperator.kinds import VMI

VMI_WITH_CLAIM: Json = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}


def decide(vmi: Json, *pods: Json, **seen: Any) -> list[Action]:
    """By default a pod that is missing has been so for long."""
    seen = {"now": NOW, "settings": SETTINGS, "missing_for": 60, **seen}
    return reconcile(Observed(vmi=vmi, pods=pods, **seen))


def after(vmi: Json, actions: list[Action]) -> Json:
    """The VMI once the actions are performed; they may write it once at most."""
    changes = [one for one in actions if isinstance(one, Change) and one.kind is VMI]
    assert len(changes) <= 1
    return apply_merge(vmi, changes[0].patch) if changes else vmi


def said(vmi: Json, kind: str) -> tuple[str, str, str]:
    one = conditions.find(vmi["status"]["conditions"], kind)
    assert one is not None
    return one["status"], one["reason"], one.get("message", "")


def lacks(vmi: Json, kind: str) -> bool:
    return conditions.find(vmi["status"].get("conditions"), kind) is None


def told(actions: list[Action]) -> list[str]:
    """Reasons of the events, in order."""
    events = []
    for action in actions:
        if isinstance(action, Change):
            events += [event.reason for event in action.told]
        elif isinstance(action, Create | Delete) and action.told:
            events.append(action.told.reason)
    return events
