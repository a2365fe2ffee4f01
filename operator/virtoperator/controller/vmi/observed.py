"""What the decision about one VMI depends on."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

from ... import names
from ...settings import Settings
from ..pod import Quota, pod_name
from ..trees import at, controller_of, labels_of, meta, name_of, uid_of
from .podstate import is_over

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observed:
    """Read from the stores; where that decides over life and death, from the API server."""

    vmi: Json
    pods: tuple[Json, ...] = ()
    """Its launcher pods, those that are going too; never somebody else's."""
    missing_for: float = 0
    """Seconds for which it has had no pod, where it should have one."""
    claims: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    """The PersistentVolumeClaims that its volumes name, those that exist."""
    quota: Quota = dataclasses.field(default_factory=Quota)
    """Limits that its namespace asks for."""
    owner_exists: bool = False
    """Whether the VM that made it is there."""
    node_lost: bool = False
    """Whether its node has gone, or its virt-handler has not been heard of for long."""
    complaint: str = ""
    """The kubelet's last warning about a pod that does not start."""
    settings: Settings
    now: datetime.datetime


def belongs(pod: Json, vmi: Json) -> bool:
    """Whether a pod is a launcher of this very VMI: made for its UID, under a name that we give.

    Owner references and labels can be written by whoever may create pods; the admission policy
    keeps the label to us, so it is asked for too.
    """
    labels = labels_of(pod)
    return (
        labels.get(names.APP) == names.LAUNCHER
        and labels.get(names.CREATED_BY) == uid_of(vmi)
        and controller_of(pod).get("uid") == uid_of(vmi)
        and meta(pod).get("namespace") == meta(vmi).get("namespace")
    )


def strays(seen: Observed) -> tuple[Json, ...]:
    """Pods that were never handed over and that nobody will start, or end, any more."""
    recorded = at(seen.vmi, "status", "activePods") or {}
    return tuple(pod for pod in seen.pods if uid_of(pod) not in recorded and not is_over(pod))


def current_pod(seen: Observed) -> Json | None:
    """The pod that holds the VM: the recorded one of its node, else the first that was made."""
    recorded = at(seen.vmi, "status", "activePods") or {}
    node = at(seen.vmi, "status", "nodeName") or ""
    for pod in seen.pods:
        if node and recorded.get(uid_of(pod)) == node:
            return pod
    first = pod_name(name_of(seen.vmi), uid_of(seen.vmi))
    return next((pod for pod in seen.pods if name_of(pod) == first), None)
