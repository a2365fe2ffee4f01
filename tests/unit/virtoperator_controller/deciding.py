"""What is decided about one VM, and what the VM is afterwards."""

from __future__ import annotations

from typing import Any

from tests.unit.virtoperator_controller.objects import (
    NOW,
    SETTINGS,
    UID,
    Json,
    apply_merge,
)
from virtoperator.controller.actions import Action, Change, Create, Delete
from virtoperator.controller.vm.observed import Observed
from virtoperator.controller.vm.reconcile import reconcile
from virtoperator.kinds import VM, VMI


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
