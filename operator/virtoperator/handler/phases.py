"""A VMI's phase from what is seen of its machine, and why it ended. Pure.

The table is KubeVirt's: who powers off has succeeded; who crashes, panics, or had to be killed
although it could have heard the power button and had time to obey it, has failed.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from .seen import Ending, Name, PodEnd, Reach, Seen

Json = dict[str, Any]
SCHEDULED, RUNNING, SUCCEEDED, FAILED = "Scheduled", "Running", "Succeeded", "Failed"
FINAL = frozenset({SUCCEEDED, FAILED})
OURS = frozenset({SCHEDULED, RUNNING})
"""Phases in which virt-handler owns the VMI's phase."""

PATIENCE = {SCHEDULED: 180.0, RUNNING: 600.0}
"""Seconds for a launcher that does not answer. A start waits as in KubeVirt; a guest that runs is
well without its launcher, and would be ended with it.
"""
POD_PATIENCE = 15.0
"""Seconds for the kubelet to tell how a container ended."""
DEFAULT_GRACE = 30

_OBEYED, _KILLED = 0, 6
"""Exit statuses of virt-launcher: the guest powered off; QEMU was ended before it had."""
_REASONS = {
    "guest-shutdown": "GuestPoweredOff",
    "killed": "GuestKilled",
    "crashed": "QEMUCrashed",
    "panicked": "GuestPanicked",
    "failed": "LaunchFailed",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """The phase; `reason` and `message` are of a failure."""

    phase: str
    reason: str = ""
    message: str = ""


def phase_of(vmi: Json, seen: Seen, now: float) -> Verdict:
    """The phase of a VMI that is Scheduled or Running. `now`: monotonic seconds."""
    phase = vmi["status"]["phase"]
    machine = seen.machine
    if machine.ending is not None:
        return _ended(vmi, machine.ending, seen.oom_killed)
    if seen.pod_end is not None:
        return _pod_ended(vmi, seen.pod_end)
    if seen.trouble is not None and seen.trouble.final:
        return Verdict(phase=FAILED, reason=seen.trouble.reason, message=seen.trouble.message)
    if seen.reach is Reach.GONE and now - seen.since > POD_PATIENCE:
        return Verdict(
            phase=FAILED,
            reason="LauncherGone",
            message="The launcher ended without saying why.",
        )
    patience = PATIENCE[phase]
    if seen.reach is Reach.CONNECTING and now - seen.since > patience:
        return Verdict(
            phase=FAILED,
            reason="LauncherUnresponsive",
            message=f"The launcher has not answered for {patience:.0f} s: {seen.obstacle}",
        )
    if machine.name.has_run and not seen.starting:  # One write says all: wait for the answer.
        return Verdict(phase=RUNNING)
    return Verdict(phase=phase)


def grace_of(vmi: Json) -> int:
    """Seconds that the guest has between the power button and its end."""
    grace = vmi["spec"].get("terminationGracePeriodSeconds")
    return DEFAULT_GRACE if grace is None else max(int(grace), 0)


def has_acpi(vmi: Json) -> bool:
    """Whether the guest can hear the power button."""
    acpi = (vmi["spec"]["domain"].get("features") or {}).get("acpi") or {}
    return acpi.get("enabled") is not False


def is_deleted(vmi: Json) -> bool:
    return bool(vmi["metadata"].get("deletionTimestamp"))


def _ended(vmi: Json, ending: Ending, oom_killed: bool) -> Verdict:
    if ending.kind == "guest-shutdown" or (ending.kind == "killed" and _was_deaf(vmi)):
        return Verdict(phase=SUCCEEDED)
    if oom_killed and ending.signal == 9:
        return Verdict(
            phase=FAILED,
            reason="OOMKilled",
            message="QEMU was killed because the pod had reached its memory limit.",
        )
    reason = _REASONS.get(ending.kind, "MachineEnded")
    return Verdict(phase=FAILED, reason=reason, message=ending.sentence)


def _was_deaf(vmi: Json) -> bool:
    """The guest could not hear the power button, or had no time to obey it."""
    return not has_acpi(vmi) or grace_of(vmi) == 0


def _pod_ended(vmi: Json, end: PodEnd) -> Verdict:
    if end.code == _OBEYED or (end.code == _KILLED and _was_deaf(vmi)):
        return Verdict(phase=SUCCEEDED)
    if end.reason == "OOMKilled":
        return Verdict(
            phase=FAILED,
            reason="OOMKilled",
            message="The launcher was killed because the pod had reached its memory limit.",
        )
    return Verdict(
        phase=FAILED,
        reason="LauncherEnded",
        message=end.message or f"The launcher ended with exit status {end.code}.",
    )


def never_ran(seen: Seen) -> bool:
    """Whether the machine was not started, and is not about to be."""
    return seen.machine.name is Name.CREATED and not seen.starting
