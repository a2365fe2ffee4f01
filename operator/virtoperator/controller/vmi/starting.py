"""From Pending to Scheduling: a pod for the VMI, once everything that it needs is there. Pure."""

from __future__ import annotations

from typing import Any

from virtcrds import InvalidObject, Quantity

from ... import names
from ...kinds import POD
from ..actions import Action, Create, Failure, Tell, Tone
from ..draft import Draft
from ..pod import Unsupported, render
from ..trees import annotations_of, at, meta, name_of
from .claims import missing_claims, pod_claims
from .observed import Observed
from .phases import Phase, enter, fail
from .preparing import prepare
from .readiness import set_ready
from .scheduling import delete_pods, follow_pod

Json = dict[str, Any]


def start(seen: Observed, draft: Draft) -> list[Action]:
    """Make the pod, or say what it waits for, or that it will never be."""
    try:
        prepare(draft, seen.settings.config)
        if missing := missing_claims(draft.tree, seen.claims):
            return _wait_for_claim(draft, missing[0])
        pod = render(draft.tree, seen.settings, pod_claims(seen.claims), quota=seen.quota)
    except InvalidObject as error:
        return _refuse(draft, "InvalidSpec", str(error))
    except Unsupported as error:
        return _refuse(draft, "NotSupported", str(error))
    enter(draft, Phase.SCHEDULING)
    draft.drop_condition("Synchronized", "PodScheduled")
    set_ready(draft, pod)
    _note_overhead(draft, pod)
    # The pod first: the VMI may say Scheduling only when there is one.
    return [_create(draft.tree, pod), *draft.changes()]


def adopt(seen: Observed, draft: Draft, pod: Json) -> list[Action]:
    """The pod was made, and then we died before the VMI could say so."""
    try:
        prepare(draft, seen.settings.config)
    except InvalidObject as error:
        return [*_refuse(draft, "InvalidSpec", str(error)), *delete_pods(seen.vmi, seen.pods)]
    _note_overhead(draft, pod)
    return follow_pod(seen, draft, pod)


def _create(vmi: Json, pod: Json) -> Create:
    return Create(
        kind=POD,
        body=pod,
        told=Tell(
            about=vmi,
            reason="SuccessfulCreate",
            message=f"Created virtual machine pod {name_of(pod)}",
        ),
        failed=Tell(
            about=vmi, reason="FailedCreate", message="Error creating pod: ", tone=Tone.WARNING
        ),
    )


def create_refused(draft: Draft, failure: Failure) -> list[Action]:
    """The API server did not take the pod: it is tried again, and the VMI says why not yet."""
    draft.set_condition("Synchronized", False, "FailedCreate", failure.message)
    return draft.changes()


def _wait_for_claim(draft: Draft, name: str) -> list[Action]:
    namespace = meta(draft.tree)["namespace"]
    message = f"PVC {namespace}/{name} does not exist, waiting for it to appear"
    before = draft.conditions
    draft.set_condition("Synchronized", False, "FailedPvcNotFound", message)
    draft.set_condition("PodScheduled", False, "Unschedulable", message)
    if draft.conditions != before:
        draft.tell(
            Tell(about=draft.tree, reason="FailedPvcNotFound", message=message, tone=Tone.WARNING)
        )
    enter(draft, Phase.PENDING)
    set_ready(draft, None)
    return draft.changes()


def _refuse(draft: Draft, reason: str, message: str) -> list[Action]:
    fail(draft, reason, message)
    set_ready(draft, None)
    draft.tell(Tell(about=draft.tree, reason=reason, message=message, tone=Tone.WARNING))
    return draft.changes()


def _note_overhead(draft: Draft, pod: Json) -> None:
    memory = at(draft.tree, "status", "memory")
    if isinstance(memory, dict):
        amount = int(annotations_of(pod).get(names.MEMORY_OVERHEAD, "0"))
        memory["memoryOverhead"] = str(Quantity.of_bytes(amount))
