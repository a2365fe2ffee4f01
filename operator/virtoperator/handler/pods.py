"""What the API says of a launcher's pod: which one is ours, and how its container ended. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from .. import names
from .seen import PodEnd, text

Json = dict[str, Any]


def own_pod(vmi: Json, node: str, followed: Collection[str] = ()) -> str:
    """UID of the pod on this node that holds the VMI, or ''. One that is `followed` stays."""
    active = vmi.get("status", {}).get("activePods") or {}
    ours = sorted(uid for uid, where in active.items() if where == node)
    return next((uid for uid in ours if uid in followed), ours[0] if ours else "")


def find_pod(pods: Iterable[Json], uid: str) -> Json:
    """The pod of this UID; an empty tree when it is not there."""
    return next((pod for pod in pods if pod["metadata"]["uid"] == uid), {})


def end_of(pod: Json) -> PodEnd | None:
    """How the launcher in the pod ended; None when it has not."""
    for container in pod.get("status", {}).get("containerStatuses") or ():
        ended = (container.get("state") or {}).get("terminated")
        if container.get("name") == names.COMPUTE and ended:
            return PodEnd(
                code=int(ended.get("exitCode") or 0),
                reason=text(ended.get("reason")),
                message=text(ended.get("message")).strip(),
            )
    return None


def addresses_of(pod: Json) -> tuple[str, ...]:
    """The pod's own addresses, the preferred family's first."""
    return tuple(one["ip"] for one in pod.get("status", {}).get("podIPs") or ())
