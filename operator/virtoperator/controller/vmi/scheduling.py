"""From Scheduling to Scheduled: the pod is placed and runs, and the node takes over. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ... import conditions, names
from ...kinds import POD
from ..actions import Action, Again, Delete, Tell, Tone
from ..draft import Draft
from ..trees import at, is_deleting, meta, name_of, uid_of
from . import podstate
from .claims import volume_status
from .observed import Observed
from .phases import Phase, enter, fail
from .podstate import Problem
from .readiness import set_ready

_PATIENCE = 10
"""Seconds after which a placed pod that does not start is looked into, and again."""
Json = dict[str, Any]


def follow_pod(seen: Observed, draft: Draft, pod: Json | None) -> list[Action]:
    """Hand the VMI over, or say what keeps the pod, or that it is lost."""
    if pod is None:
        fail(draft, "PodGone", "The virt-launcher pod has gone.")
    elif problem := podstate.verdict(pod):
        fail(draft, problem.reason, problem.message)
    elif _lacks_guarantee(draft.tree, pod):
        return _end_without_guarantee(draft, pod)
    elif podstate.is_handed_over(pod):
        _hand_over(draft, pod, seen.claims)
    else:
        enter(draft, Phase.SCHEDULING)
        _explain(draft, pod, seen.complaint)
    set_ready(draft, pod)
    looked_at = draft.changes()
    waits = pod is not None and podstate.is_placed(pod) and draft.status["phase"] == "Scheduling"
    return [*looked_at, Again(seconds=_PATIENCE)] if waits else looked_at


def _hand_over(draft: Draft, pod: Json, claims: Mapping[str, Json]) -> None:
    """From here on virt-handler owns the phase: all that it needs is in this one write."""
    node = str(pod["spec"]["nodeName"])
    enter(draft, Phase.SCHEDULED)
    draft.set_label(names.NODE_NAME, node)
    draft.set_label(names.node_label(node), "")
    draft.drop_condition("Synchronized", "PodScheduled")
    compute = next(one for one in pod["spec"]["containers"] if one["name"] == names.COMPUTE)
    draft.status.update(
        nodeName=node,
        activePods={uid_of(pod): node},
        qosClass=at(pod, "status", "qosClass"),
        launcherContainerImageVersion=compute["image"],
        migrationTransport="Unix",
        volumeStatus=volume_status(draft.tree, claims),
    )


def _explain(draft: Draft, pod: Json, complaint: str) -> None:
    """What keeps the pod, as conditions that the VM shows too."""
    if unplaced := podstate.placement_problem(pod):
        draft.set_condition("PodScheduled", False, unplaced.reason, unplaced.message)
    else:
        draft.drop_condition("PodScheduled")
    trouble = podstate.image_problem(pod)
    if trouble is None and complaint and podstate.is_placed(pod):
        trouble = Problem(reason="PodNotStarted", message=complaint)
    known = conditions.find(draft.conditions, "Synchronized")
    if trouble is None:
        draft.drop_condition("Synchronized")
    elif known is None or _says_more(known, trouble):
        draft.set_condition("Synchronized", False, trouble.reason, trouble.message)


def _says_more(known: Json, trouble: Problem) -> bool:
    """Between two tries the kubelet alternates between the error and `waits to try again`."""
    if trouble.reason == "ImagePullBackOff":
        return known.get("reason") not in ("ErrImagePull", "ImagePullBackOff")
    return dataclasses.asdict(trouble) != {key: known.get(key) for key in ("reason", "message")}


def _lacks_guarantee(vmi: Json, pod: Json) -> bool:
    cpu = at(vmi, "spec", "domain", "cpu") or {}
    qos = at(pod, "status", "qosClass")
    return bool(cpu.get("dedicatedCpuPlacement")) and qos not in (None, "Guaranteed")


def _end_without_guarantee(draft: Draft, pod: Json) -> list[Action]:
    message = "failed to guarantee pod resources"
    fail(draft, "FailedGuaranteeResources", message)
    set_ready(draft, pod)
    draft.tell(
        Tell(
            about=draft.tree,
            reason="FailedGuaranteeResources",
            message=message,
            tone=Tone.WARNING,
        )
    )
    return [*draft.changes(), *delete_pods(draft.tree, (pod,))]


def delete_pods(vmi: Json, pods: tuple[Json, ...]) -> list[Action]:
    """Delete those that are not going yet."""
    return [
        Delete(
            kind=POD,
            namespace=meta(pod)["namespace"],
            name=name_of(pod),
            uid=uid_of(pod),
            told=Tell(
                about=vmi,
                reason="SuccessfulDelete",
                message=f"Deleted virtual machine pod {name_of(pod)}",
            ),
            failed=Tell(
                about=vmi,
                reason="FailedDelete",
                message=f"Failed to delete virtual machine pod {name_of(pod)}: ",
                tone=Tone.WARNING,
            ),
        )
        for pod in pods
        if not is_deleting(pod)
    ]
