"""What a pod's status says about the VM in it. Pure."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Any

from ... import conditions, names
from ..trees import at, is_deleting

Json = dict[str, Any]
_PULL_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_SIDECAR_PROXY = "istio-proxy"
_KILLED_FOR_MEMORY = "OOMKilled"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Problem:
    """Why the pod does not get on, or how it ended."""

    reason: str
    message: str


def is_over(pod: Json) -> bool:
    """Whether nothing runs in the pod any more, nor ever will."""
    return at(pod, "status", "phase") in ("Succeeded", "Failed")


def compute_status(pod: Json) -> Json:
    """The status of the container with the VM; empty before the kubelet took it."""
    return next(
        (one for one in _containers(pod, "containerStatuses") if one["name"] == names.COMPUTE), {}
    )


def compute_ended(pod: Json) -> Json | None:
    """How the container with the VM ended, or None."""
    ended = at(compute_status(pod), "state", "terminated")
    return ended if isinstance(ended, dict) else None


def ended_at(pod: Json) -> datetime.datetime | None:
    """When the container with the VM ended, as far as the kubelet tells."""
    finished = (compute_ended(pod) or {}).get("finishedAt")
    return conditions.parsed(finished) if finished else None


def is_handed_over(pod: Json) -> bool:
    """KubeVirt's rule: everything is ready but the container with the VM, which merely runs."""
    if at(pod, "status", "phase") != "Running" or is_deleting(pod):
        return False
    others = [
        *_containers(pod, "containerStatuses"),
        *(one for one in _containers(pod, "initContainerStatuses") if _lives(one)),
    ]
    exempt = (names.COMPUTE, _SIDECAR_PROXY)
    ready = all(one.get("ready") for one in others if one["name"] not in exempt)
    return ready and at(compute_status(pod), "state", "running") is not None


def verdict(pod: Json) -> Problem | None:
    """Why the pod can never be handed over; None while it still may."""
    if at(pod, "status", "reason"):
        return Problem(
            reason=pod["status"]["reason"], message=pod["status"].get("message") or "The pod ended."
        )
    if is_deleting(pod):
        return Problem(reason="PodDeleted", message="The virt-launcher pod was deleted.")
    if ended := compute_ended(pod):
        return ending(ended)
    if is_over(pod):
        return Problem(reason="PodEnded", message="The virt-launcher pod ended.")
    return None


def ending(ended: Json) -> Problem:
    """The end of the container with the VM, in words."""
    if ended.get("reason") == _KILLED_FOR_MEMORY:
        return Problem(
            reason=_KILLED_FOR_MEMORY,
            message="The VM was killed because its pod had reached its memory limit.",
        )
    words = (ended.get("message") or "").strip()
    code = ended.get("exitCode", "?")
    return Problem(
        reason="LauncherEnded",
        message=words or f"The launcher ended with exit status {code}.",
    )


def image_problem(pod: Json) -> Problem | None:
    """An image that cannot be had."""
    for status in (
        *_containers(pod, "initContainerStatuses"),
        *_containers(pod, "containerStatuses"),
    ):
        waiting = at(status, "state", "waiting") or {}
        if waiting.get("reason") in _PULL_REASONS:
            words = waiting.get("message") or f"image {status.get('image', '')} cannot be pulled"
            return Problem(reason=waiting["reason"], message=words)
    return None


def placement_problem(pod: Json) -> Problem | None:
    """Why no node takes the pod."""
    scheduled = conditions.find(at(pod, "status", "conditions"), "PodScheduled") or {}
    if scheduled.get("status") != "False":
        return None
    return Problem(
        reason=scheduled.get("reason") or "Unschedulable", message=scheduled.get("message", "")
    )


def is_placed(pod: Json) -> bool:
    """Whether a node was chosen."""
    return bool(at(pod, "spec", "nodeName"))


def _containers(pod: Json, field: str) -> Iterator[Json]:
    yield from at(pod, "status", field) or ()


def _lives(status: Json) -> bool:
    """An init container that has done its work is out of the question; a sidecar is not."""
    return at(status, "state", "terminated") is None
