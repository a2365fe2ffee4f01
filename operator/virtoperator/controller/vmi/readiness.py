"""Whether the VM is ready to be used, on the VMI and, as a gate, on its pod. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ... import conditions, names
from ...kinds import POD
from ...kube import Patch
from ..actions import Change
from ..draft import Draft
from ..trees import at, is_deleting, meta, name_of, uid_of
from .phases import Phase, phase_of
from .podstate import is_over

Json = dict[str, Any]
_KEYS = ("status", "reason", "message")


def set_ready(draft: Draft, pod: Json | None) -> None:
    """The condition Ready, by KubeVirt's rules; virt-handler's phase has its say."""
    phase = phase_of(draft.tree)
    if phase is Phase.RUNNING and pod is not None and _is_opening(draft.tree, pod):
        return
    status, reason, message = _readiness(phase, pod)
    draft.set_condition("Ready", status, reason, message)


def _is_opening(vmi: Json, pod: Json) -> bool:
    """Whether nothing but our gate keeps the pod, and it is about to open: no news for anybody."""
    if is_deleting(pod) or conditions.is_true(at(vmi, "status", "conditions"), "Paused"):
        return False
    ready = conditions.find(at(pod, "status", "conditions"), "Ready") or {}
    return ready.get("status") == "False" and ready.get("reason") == "ReadinessGatesNotReady"


def _readiness(phase: Phase, pod: Json | None) -> tuple[str, str, str]:
    if phase.before_the_pod or (pod is None and not phase.final):
        return "False", "PodNotExists", "virt-launcher pod has not yet been scheduled"
    if pod is not None and is_deleting(pod) and not phase.final:
        return "False", "PodTerminating", "virt-launcher pod is terminating"
    if pod is None or phase is not Phase.RUNNING:
        return "False", "GuestNotRunning", "Guest VM is not reported as running"
    ready = conditions.find(at(pod, "status", "conditions"), "Ready")
    if ready is None:
        return "False", "PodConditionMissing", "virt-launcher pod is missing the Ready condition"
    return str(ready["status"]), ready.get("reason", ""), ready.get("message", "")


def gate(vmi: Json, pod: Json, draft: Draft) -> Iterator[Change]:
    """The pod's readiness gate: open while the guest runs, shut while it is paused."""
    if phase_of(vmi) is not Phase.RUNNING or is_deleting(pod) or is_over(pod):
        return
    if conditions.is_true(at(vmi, "status", "conditions"), "Paused"):
        wanted = _gate("False", "Paused", "the virtual machine is paused")
    else:
        wanted = _gate("True", "NotPaused", "the virtual machine is not paused")
    known = conditions.find(at(pod, "status", "conditions"), names.UNPAUSED_GATE) or {}
    if all(known.get(key) == wanted[key] for key in _KEYS):
        return
    changed = known.get("status") != wanted["status"]
    moment = conditions.timestamp(draft.now)
    wanted["lastTransitionTime"] = moment if changed else known.get("lastTransitionTime", moment)
    yield Change(
        kind=POD,
        namespace=meta(pod)["namespace"],
        name=name_of(pod),
        # The server merges conditions by their type; the UID is a precondition.
        patch={"metadata": {"uid": uid_of(pod)}, "status": {"conditions": [wanted]}},
        subresource="status",
        how=Patch.STRATEGIC,
    )


def _gate(status: str, reason: str, message: str) -> Json:
    return {
        "type": names.UNPAUSED_GATE,
        "status": status,
        "reason": reason,
        "message": message,
    }
