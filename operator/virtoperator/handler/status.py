"""The status of a VMI from what is seen of it: (VMI, seen, now) -> status. Pure.

What is not ours to say stays as it is: the controller writes to the same object.
"""

from __future__ import annotations

import datetime
import json
from typing import Any

from .. import conditions, names
from .interfaces import interfaces_of
from .phases import FAILED, FINAL, RUNNING, Verdict
from .seen import ABI_LIMIT, Name, Seen

Json = dict[str, Any]
_OWNED = ("Paused", "AgentConnected", "Synchronized", "LiveMigratable")
_PAUSES = {
    "user": ("PausedByUser", "VMI was paused by user"),
    "start-strategy": ("PausedByUser", "VMI was paused by user"),
    "io-error": ("PausedIOError", "VMI was paused, low-level IO error detected"),
    "watchdog": ("PausedByWatchdog", "VMI was paused by its watchdog"),
    "panicked": ("PausedGuestPanicked", "VMI was paused, the guest's kernel panicked"),
    "suspended": ("PausedByGuest", "VMI was suspended by its guest"),
}
"""STATE's reasons; the first three are KubeVirt's words."""
_UNITS = ((1 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki"))


def status_of(vmi: Json, seen: Seen, verdict: Verdict, now: datetime.datetime) -> Json:
    """The whole status as it is now."""
    status: Json = {**vmi["status"], "phase": verdict.phase}
    if verdict.phase != vmi["status"]["phase"]:
        status |= {"phaseTransitionTimestamps": _timestamps(vmi["status"], verdict.phase, now)}
    if verdict.phase == FAILED:
        status["reason"] = verdict.reason
    if seen.device.abi and verdict.phase == RUNNING:
        status |= _running(vmi, seen)
    wanted = _conditions(seen, verdict)
    merged = conditions.merged(status.get("conditions"), wanted, owned=_OWNED, now=now)
    if merged or "conditions" in status:
        status["conditions"] = merged
    return status


def patch_of(vmi: Json, status: Json, seen: Seen) -> Json:
    """The merge patch that makes `status` (and the GuestABI) the VMI's; {} when they are.

    It applies to this very version of the object, and to no other.
    """
    old = vmi["status"]
    changes: Json = {key: value for key, value in status.items() if old.get(key) != value}
    changes |= {key: None for key in old if key not in status}
    patch: Json = {"status": changes} if changes else {}
    abi = abi_text(seen)
    if abi and status["phase"] == RUNNING and _annotation(vmi) != abi:
        patch["metadata"] = {"annotations": {names.GUEST_ABI: abi}}
    if patch:
        version = {"resourceVersion": vmi["metadata"]["resourceVersion"]}
        patch["metadata"] = patch.get("metadata", {}) | version
    return patch


def abi_text(seen: Seen) -> str:
    """The GuestABI as the annotation has it; '' when there is none that is fit to keep."""
    if not seen.device.abi:
        return ""
    text = json.dumps(seen.device.abi, separators=(",", ":"), sort_keys=True)
    return text if len(text) <= ABI_LIMIT else ""


def _annotation(vmi: Json) -> str:
    annotations = vmi["metadata"].get("annotations") or {}
    return str(annotations.get(names.GUEST_ABI, ""))


def _timestamps(status: Json, phase: str, now: datetime.datetime) -> list[Json]:
    """One entry for each phase: when it began first."""
    known: list[Json] = list(status.get("phaseTransitionTimestamps") or ())
    if any(one.get("phase") == phase for one in known):
        return known
    began = {"phase": phase, "phaseTransitionTimestamp": conditions.timestamp(now)}
    return [*known, began]


def _running(vmi: Json, seen: Seen) -> Json:
    """What a machine has once it is made."""
    abi = seen.device.abi
    found: Json = {
        "interfaces": interfaces_of(vmi, seen),
        "volumeStatus": _volumes(vmi["status"].get("volumeStatus") or [], seen),
        "machine": {"type": str(abi.get("machine", ""))},
        "currentCPUTopology": _topology(vmi),
        "memory": _memory(vmi, abi),
    }
    if seen.guest and seen.guest.os:
        found["guestOSInfo"] = dict(seen.guest.os)
    return {key: value for key, value in found.items() if value or key in vmi["status"]}


def _volumes(known: list[Json], seen: Seen) -> list[Json]:
    """The controller's list with target and size of each disk."""
    disks = {disk.volume: {"target": disk.target, "size": disk.size} for disk in seen.device.disks}
    found = [{**one, **disks.pop(one["name"], {})} for one in known]
    return found + [{"name": name, **facts} for name, facts in disks.items()]


def _topology(vmi: Json) -> Json:
    cpu = vmi["spec"]["domain"].get("cpu") or {}
    return {part: int(cpu.get(part) or 1) for part in ("cores", "sockets", "threads")}


def _memory(vmi: Json, abi: Json) -> Json:
    """The controller's wishes, and what the guest really has."""
    known: Json = vmi["status"].get("memory") or {}
    size = abi.get("memory")
    if not isinstance(size, int) or size <= 0:
        return known
    current = quantity(size)
    return {"guestAtBoot": current, "guestRequested": current, **known, "guestCurrent": current}


def quantity(size: int) -> str:
    """Bytes as Kubernetes writes them."""
    for unit, name in _UNITS:
        if size % unit == 0:
            return f"{size // unit}{name}"
    return str(size)


def _conditions(seen: Seen, verdict: Verdict) -> list[Json]:
    found = []
    if verdict.phase == FAILED:
        found.append(_not_synchronized(verdict.reason, verdict.message))
    elif seen.trouble:
        found.append(_not_synchronized(seen.trouble.reason, seen.trouble.message))
    if verdict.phase in FINAL:
        return found
    if seen.machine.name is Name.PAUSED:
        reason, message = _PAUSES.get(
            seen.machine.reason, ("Paused", f"VMI was paused ({seen.machine.reason})")
        )
        found.append(conditions.condition("Paused", True, reason=reason, message=message))
    if seen.machine.agent:
        found.append(conditions.condition("AgentConnected", True))
    if verdict.phase == RUNNING:
        found.append(
            conditions.condition(
                "LiveMigratable",
                False,
                reason="LiveMigrationNotSupported",
                message="this version does not move running VMs to other nodes",
            )
        )
    return found


def _not_synchronized(reason: str, message: str) -> Json:
    return conditions.condition("Synchronized", False, reason=reason, message=message)
