"""While the node owns the phase: what only the pod tells, and the end nobody reports. Pure."""

from __future__ import annotations

from typing import Any

from ..actions import Action, Again, Tell
from ..draft import Draft
from ..trees import at, uid_of
from . import podstate
from .observed import Observed
from .phases import Phase, enter, fail
from .readiness import gate, set_ready

_HANDLERS_TURN = 30
"""Seconds after the launcher's end in which virt-handler says how the VM ended; it knows best."""
_LAST_WORDS = 5
"""The same when the kubelet has taken the pod away already."""
Json = dict[str, Any]


def accompany(seen: Observed, draft: Draft, pod: Json | None) -> list[Action]:
    """Readiness, the pods that hold the VM, and the end when it was left to us.

    What is to be done beside writing `draft`.
    """
    if pod is None:
        return _without_pod(seen, draft)
    wait = _end(seen, draft, pod)
    _note_active(draft, seen.pods)
    set_ready(draft, pod)
    again: list[Action] = [Again(seconds=wait)] if wait else []
    return [*gate(draft.tree, pod, draft), *again]


def _without_pod(seen: Observed, draft: Draft) -> list[Action]:
    wait = 0 if seen.node_lost else _LAST_WORDS - seen.missing_for
    if wait > 0:
        return [Again(seconds=wait)]
    _lose(seen, draft, "PodGone", "The virt-launcher pod has gone.")
    set_ready(draft, None)
    return []


def _end(seen: Observed, draft: Draft, pod: Json) -> float:
    """Enter the final phase when virt-handler has not; seconds until it is our turn, or 0."""
    ended = podstate.compute_ended(pod)
    if ended is None and not podstate.is_over(pod):
        return 0
    finished = podstate.ended_at(pod)
    if finished is not None and not seen.node_lost:
        left = _HANDLERS_TURN - (seen.now - finished).total_seconds()
        if left > 0:
            return left
    if ended is not None and ended.get("exitCode") == 0:
        # The launcher's exit status says so when, and only when, the guest powered off.
        enter(draft, Phase.SUCCEEDED)
        return 0
    problem = podstate.verdict(pod)
    if ended is not None:
        problem = podstate.ending(ended)
    assert problem is not None
    _lose(seen, draft, problem.reason, problem.message)
    return 0


def _lose(seen: Observed, draft: Draft, reason: str, message: str) -> None:
    """The VM has failed; with its node, when that is lost too."""
    if not seen.node_lost:
        fail(draft, reason, message)
        return
    node = at(seen.vmi, "status", "nodeName")
    words = f"virt-handler on node {node} is not responsive, marking VMI as failed"
    fail(draft, "NodeUnresponsive", words)
    draft.tell(Tell(about=draft.tree, reason="NodeUnresponsive", message=words))


def _note_active(draft: Draft, pods: tuple[Json, ...]) -> None:
    """All pods that hold the VM, with their nodes; those that have gone are let go."""
    known = at(draft.tree, "status", "activePods") or {}
    present = {uid_of(pod): str(at(pod, "spec", "nodeName") or "") for pod in pods}
    active = {uid: present[uid] for uid in known if uid in present}
    if active and active != known:
        draft.status["activePods"] = active
