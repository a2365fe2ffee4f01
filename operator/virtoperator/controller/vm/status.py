"""How a VM is doing: its status from its instance's. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from ... import conditions
from ..draft import Draft
from ..trees import at, is_deleting, meta
from ..vmi.phases import Phase, phase_of
from .changes import observed_generation
from .printable import Situation, printable_status
from .strategies import Step

FAILURE, RESTART_REQUIRED, RECOVERY = "Failure", "RestartRequired", "ManualRecoveryRequired"
_OWN = (FAILURE, RESTART_REQUIRED, RECOVERY)
"""Conditions that are the VM's; all others are its instance's."""
Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a reconcile found out, as far as the status tells it."""

    situation: Situation
    requests: Sequence[Json]
    failure: Json | None
    """`startFailure`."""


def tell_status(draft: Draft, outcome: Outcome) -> None:
    """All of the status but what is asked for by others (snapshots, volume requests)."""
    vm, vmi = draft.tree, outcome.situation.vmi
    status = draft.status
    _mirror(draft, vmi)
    ready = conditions.is_true(status.get("conditions"), "Ready")
    _set(status, "created", vmi is not None)
    _set(status, "ready", ready)
    status["printableStatus"] = str(printable_status(outcome.situation))
    status["desiredGeneration"] = int(meta(vm).get("generation") or 0)
    if vmi is not None and (seen := observed_generation(vmi)):
        status["observedGeneration"] = seen
    if outcome.situation.step is not Step.CREATE and not is_deleting(vm):
        # Until the instance is there, a strategy that was switched to has not been acted on.
        status["runStrategy"] = str(outcome.situation.strategy)
    _set(status, "stateChangeRequests", list(outcome.requests))
    _set(status, "startFailure", outcome.failure)


def tell_failure(draft: Draft, vmi: Json | None, reason: str, message: str) -> None:
    """Why nothing can be done about the VM at present."""
    _mirror(draft, vmi)
    draft.set_condition(FAILURE, True, reason, message)
    draft.status.setdefault("printableStatus", "Stopped")


def explain_failed_start(draft: Draft, vmi: Json | None, failure: Json | None) -> None:
    """While starts fail, the VM says why the last one did: its instance is deleted soon."""
    if failure is None:
        draft.drop_condition(FAILURE)
    elif vmi is not None and phase_of(vmi) is Phase.FAILED:
        reason = at(vmi, "status", "reason") or "StartFailed"
        told = conditions.find(at(vmi, "status", "conditions"), "Synchronized") or {}
        message = told.get("message") or "The last start failed."
        draft.set_condition(FAILURE, True, reason, message)


def _mirror(draft: Draft, vmi: Json | None) -> None:
    """The instance's conditions, word for word; Ready also when there is none."""
    copied: list[Json] = list(at(vmi, "status", "conditions") or ())
    own = [one for one in draft.conditions if one["type"] in _OWN]
    if conditions.find(copied, "Ready") is None:
        copied.insert(0, _not_ready(draft, vmi))
    mirrored = [one for one in copied if one["type"] not in _OWN]
    result = _in_order(draft.conditions, [*mirrored, *own])
    if result != draft.conditions:
        draft.status["conditions"] = result


def _not_ready(draft: Draft, vmi: Json | None) -> Json:
    said = (
        ("VMINotExists", "VMI does not exist")
        if vmi is None
        else ("VMIConditionMissing", "VMI is missing the Ready condition")
    )
    wanted = conditions.condition("Ready", False, reason=said[0], message=said[1])
    old = [one for one in draft.conditions if one["type"] == "Ready"]
    return conditions.merged(old, [wanted], owned=("Ready",), now=draft.now)[0]


def _in_order(old: Iterable[Json], new: Sequence[Json]) -> list[Json]:
    """As they stood before: another order is no news."""
    order = [one["type"] for one in old]
    rank = {kind: order.index(kind) for kind in order}
    return sorted(new, key=lambda one: rank.get(one["type"], len(order)))


def _set(status: Json, field: str, value: Any) -> None:
    """What says nothing is left out."""
    if value:
        status[field] = value
    else:
        status.pop(field, None)
