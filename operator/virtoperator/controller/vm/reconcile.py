"""What is to be done about one VM: (observed) -> actions. Pure."""

from __future__ import annotations

from typing import Any

from virtcrds import InvalidObject

from ... import conditions, names
from ...kinds import VM, VMI
from ..actions import Action, Again, Delete, Failure
from ..draft import Draft
from ..trees import at, is_deleting, meta
from ..vmi.phases import is_final
from . import backoff
from .changes import MESSAGE as RESTART_MESSAGE
from .changes import carry_over, is_current, needs_restart
from .observed import Observed
from .preparing import check, is_prepared, prepare
from .printable import Situation
from .requests import asks_pause, pending
from .starting import start, stop
from .status import (
    RECOVERY,
    RESTART_REQUIRED,
    Outcome,
    explain_failed_start,
    tell_failure,
    tell_status,
)
from .strategies import RunStrategy, Step, UnknownStrategy, decide, strategy_of

_ORPHAN = "orphan"
"""Kubernetes' finalizer of an object whose dependents are to stay."""
Json = dict[str, Any]


def reconcile(seen: Observed) -> list[Action]:
    """The next step; none when everything is as it should be."""
    draft = Draft(VM, seen.vm, seen.now)
    try:
        if is_deleting(seen.vm):
            return _delete(seen, draft)
        if not is_prepared(seen.vm):
            prepare(draft, seen.settings.config)
            return draft.changes_by_subresource()
        return _follow_strategy(seen, draft, strategy_of(seen.vm))
    except (InvalidObject, UnknownStrategy) as error:
        return _say(seen, "InvalidSpec", str(error))


def report(seen: Observed, failure: Failure) -> list[Action]:
    """What is said about an action of `reconcile` that the API server refused."""
    what = "FailedDelete" if isinstance(failure.action, Delete) else "FailedCreate"
    return _say(seen, what, failure.message)


def _say(seen: Observed, reason: str, message: str) -> list[Action]:
    draft = Draft(VM, seen.vm, seen.now)
    tell_failure(draft, seen.vmi, reason, message)
    return draft.changes_by_subresource()


def _follow_strategy(seen: Observed, draft: Draft, strategy: RunStrategy) -> list[Action]:
    vm, vmi = seen.vm, seen.vmi
    requests = pending(vm, vmi)
    decision = decide(strategy, vm, vmi, requests)
    if decision.step is Step.FLIP:
        return _flip(draft)
    failure = backoff.start_failure(vm, vmi, strategy, seen.now)
    wait = backoff.wait_of(failure, seen.now)
    step = decision.step
    if step is Step.CREATE and conditions.is_true(draft.conditions, RECOVERY):
        step = Step.NONE
    if step is Step.CREATE and wait == 0:
        check(vm, seen.settings.config)
        # How it goes is told when the instance is there to be told about.
        return start(vm, seen.revisions, paused=asks_pause(requests))
    if vmi is not None and step is Step.NONE and _is_fresh(vmi):
        return []
    explain_failed_start(draft, vmi, failure)
    about_vmi = _compare(seen, draft)
    situation = Situation(vm=vm, vmi=vmi, step=step, strategy=strategy, backing_off=wait > 0)
    tell_status(draft, Outcome(situation=situation, requests=decision.requests, failure=failure))
    # The status first: once the instance is gone, nobody knows any more how it ended.
    actions = [*draft.changes_by_subresource(), *about_vmi]
    if vmi is not None and step is Step.DELETE:
        actions.append(stop(vm, vmi))
    return [*actions, *_due(seen, step, failure, wait)]


def _due(seen: Observed, step: Step, failure: Json | None, wait: float) -> list[Action]:
    """What time alone will change: the pause before a start, or that a start has succeeded."""
    if step is Step.CREATE:
        return [Again(seconds=wait)]
    steady = backoff.steady_in(seen.vmi, seen.now) if seen.vmi is not None and failure else None
    return [Again(seconds=steady)] if steady else []


def _flip(draft: Draft) -> list[Action]:
    """The request stays, for what it says about the start."""
    spec = draft.tree["spec"]
    if spec.get("running") is not None:
        spec["running"] = True
    else:
        spec["runStrategy"] = str(RunStrategy.ALWAYS)
    return draft.changes_by_subresource()


def _is_fresh(vmi: Json) -> bool:
    """Whether the instance was just made: its own first words, due at once, spare us a write."""
    return not is_deleting(vmi) and not at(vmi, "status", "conditions")


def _compare(seen: Observed, draft: Draft) -> list[Action]:
    """RestartRequired, what a running instance takes over, and the end of one that is let go."""
    vm, vmi = seen.vm, seen.vmi
    if vmi is None or is_final(vmi) or is_current(vm, vmi):
        draft.drop_condition(RESTART_REQUIRED)
        return _let_go(seen) if vmi is not None else []
    if seen.started_from is None:
        return []
    rollout = seen.settings.config.rollout_strategy
    if needs_restart(vm, seen.started_from, rollout):
        draft.set_condition(RESTART_REQUIRED, True, "", RESTART_MESSAGE)
        return []
    draft.drop_condition(RESTART_REQUIRED)
    changed = Draft(VMI, vmi, seen.now)
    carry_over(vm, changed, rollout)
    return changed.changes()


def _let_go(seen: Observed) -> list[Action]:
    """The instance is over and deleted, and we have taken note of how it ended."""
    if seen.vmi is None or not (is_deleting(seen.vmi) and is_final(seen.vmi)):
        return []
    vmi = Draft(VMI, seen.vmi, seen.now)
    vmi.drop_finalizers(names.VM_FINALIZER)
    return vmi.changes()


def _delete(seen: Observed, draft: Draft) -> list[Action]:
    """The instance goes first, unless the VM's dependents are to outlive it."""
    vm, vmi = seen.vm, seen.vmi
    finalizers = meta(vm).get("finalizers") or ()
    if names.VM_FINALIZER not in finalizers:
        return []
    if vmi is None or _ORPHAN in finalizers:
        draft.drop_finalizers(names.VM_FINALIZER)
        return draft.changes_by_subresource()
    situation = Situation(
        vm=vm, vmi=vmi, step=Step.DELETE, strategy=RunStrategy.HALTED, backing_off=False
    )
    tell_status(draft, Outcome(situation=situation, requests=(), failure=None))
    actions = [*draft.changes_by_subresource(), *_let_go(seen)]
    return actions if is_deleting(vmi) else [*actions, stop(vm, vmi)]
