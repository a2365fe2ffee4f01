"""What is to be done about one pool: (observed) -> actions. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import virtcrds
from virtcrds import InvalidObject

from ... import conditions
from ...kinds import POOL, VM
from ..actions import Action, Create, Delete, Failure, Tell, Tone
from ..draft import Draft
from ..selectors import text_of
from ..trees import at, is_deleting, meta, name_of, uid_of
from .choosing import in_order
from .member import free_numbers, member
from .observed import Observed
from .updating import hopeless, update

BURST = 250
"""VMs that one pass makes or deletes at most; KubeVirt's number."""
PAUSED, FAILURE = "ReplicaPaused", "ReplicaFailure"
Json = dict[str, Any]


def reconcile(seen: Observed) -> list[Action]:
    """The next step; none when there are as many as there should be, all up to date."""
    if is_deleting(seen.pool):
        return []  # What it made goes by its owner references, or stays when that was wished.
    vms = _staying(seen)
    if mistakes := _mistakes(seen):
        return _say(seen, vms, "FailedCreate", mistakes)
    if at(seen.pool, "spec", "paused"):
        return _say(seen, vms)
    steps = _scale(seen, vms) or [
        *(_deletion(seen.pool, vm) for vm in hopeless(seen, vms)),
        *update(seen, vms),
    ]
    return [*_say(seen, vms), *steps]


def report(seen: Observed, failure: Failure) -> list[Action]:
    """What is said about an action of `reconcile` that the API server refused."""
    what = "FailedDelete" if isinstance(failure.action, Delete) else "FailedCreate"
    return _say(seen, _staying(seen), what, failure.message)


def _staying(seen: Observed) -> list[Json]:
    return [vm for vm in seen.vms if not is_deleting(vm)]


def _scale(seen: Observed, vms: Sequence[Json]) -> list[Action]:
    wanted = at(seen.pool, "spec", "replicas")
    missing = (1 if wanted is None else int(wanted)) - len(vms)
    if missing < 0:
        return _shrink(seen, vms, min(-missing, BURST))
    numbers = itertools.islice(free_numbers(seen.pool, seen.vms), min(missing, BURST))
    return [_creation(seen.pool, number) for number in numbers]


def _shrink(seen: Observed, vms: Sequence[Json], count: int) -> list[Action]:
    """By default at once; else somebody else deletes VMs, and they are not replaced."""
    strategy = at(seen.pool, "spec", "scaleInStrategy") or {}
    if "unmanaged" in strategy or "opportunistic" in strategy:
        return []
    policy = at(strategy, "proactive", "selectionPolicy") or {}
    return [_deletion(seen.pool, vm) for vm in in_order(seen, vms, policy)[:count]]


def _creation(pool: Json, number: int) -> Create:
    body = member(pool, number)
    return Create(
        kind=VM,
        body=body,
        told=Tell(
            about=pool,
            reason="SuccessfulCreate",
            message=f"Created the virtual machine {name_of(body)}",
        ),
        failed=Tell(
            about=pool,
            reason="FailedCreate",
            message="Error creating virtual machine: ",
            tone=Tone.WARNING,
        ),
    )


def _deletion(pool: Json, vm: Json) -> Delete:
    return Delete(
        kind=VM,
        namespace=meta(vm)["namespace"],
        name=name_of(vm),
        uid=uid_of(vm),
        told=Tell(
            about=pool,
            reason="SuccessfulDelete",
            message=f"Deleted the virtual machine {name_of(vm)}",
        ),
        failed=Tell(
            about=pool,
            reason="FailedDelete",
            message="Error deleting virtual machine: ",
            tone=Tone.WARNING,
        ),
    )


def _mistakes(seen: Observed) -> str:
    """What keeps its VMs from ever being made; '' when nothing does."""
    try:
        parsed = virtcrds.parse(seen.pool).object
    except InvalidObject as error:
        return str(error)
    violations = virtcrds.validate(parsed, seen.settings.config)
    return ", ".join(violation.message for violation in violations)


def _say(seen: Observed, vms: Sequence[Json], reason: str = "", message: str = "") -> list[Action]:
    """The status: numbers, and why there are not as many as were asked for."""
    draft = Draft(POOL, seen.pool, seen.now)
    status = draft.status
    status["replicas"] = len(vms)
    status["readyReplicas"] = sum(bool(at(vm, "status", "ready")) for vm in vms)
    status["labelSelector"] = text_of(at(seen.pool, "spec", "selector") or {})
    if reason:
        draft.set_condition(FAILURE, True, reason, message)
    else:
        draft.drop_condition(FAILURE)
    paused = bool(at(seen.pool, "spec", "paused"))
    if paused != conditions.is_true(draft.conditions, PAUSED):
        _say_paused(draft, paused)
    return draft.changes_by_subresource()


def _say_paused(draft: Draft, paused: bool) -> None:
    if paused:
        draft.set_condition(PAUSED, True, "Paused", "Controller got paused")
        draft.tell(Tell(about=draft.tree, reason="SuccessfulPaused", message="Paused"))
    else:
        draft.drop_condition(PAUSED)
        draft.tell(Tell(about=draft.tree, reason="SuccessfulResume", message="Resumed"))
