"""The phases of a VMI, and how one is entered. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from ... import conditions
from ..draft import Draft
from ..trees import at

Json = dict[str, Any]


class Phase(StrEnum):
    UNSET = ""
    PENDING = "Pending"
    SCHEDULING = "Scheduling"
    SCHEDULED = "Scheduled"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"
    """Also for phases that this version does not know: nobody acts on them."""

    @property
    def final(self) -> bool:
        """Nothing follows."""
        return self in (Phase.SUCCEEDED, Phase.FAILED)

    @property
    def before_the_pod(self) -> bool:
        """No pod has been recorded: one may still be made."""
        return self in (Phase.UNSET, Phase.PENDING)

    @property
    def of_the_node(self) -> bool:
        """virt-handler owns the phase."""
        return self in (Phase.SCHEDULED, Phase.RUNNING)


def phase_of(vmi: Json) -> Phase:
    text = at(vmi, "status", "phase") or ""
    return Phase(text) if text in Phase.__members__.values() else Phase.UNKNOWN


def is_final(vmi: Json) -> bool:
    return phase_of(vmi).final


def has_been(vmi: Json, phase: Phase) -> bool:
    """Whether the VMI has ever been in this phase."""
    entered = at(vmi, "status", "phaseTransitionTimestamps") or ()
    return phase_of(vmi) is phase or any(one.get("phase") == phase for one in entered)


def enter(draft: Draft, phase: Phase) -> None:
    """The phase, with the time of the first entry."""
    status = draft.status
    status["phase"] = str(phase)
    entered = status.get("phaseTransitionTimestamps") or []
    if not any(one.get("phase") == phase for one in entered):
        moment = conditions.timestamp(draft.now)
        status["phaseTransitionTimestamps"] = [
            *entered,
            {"phase": str(phase), "phaseTransitionTimestamp": moment},
        ]


def fail(draft: Draft, reason: str, message: str) -> None:
    """The end, with what `kubectl describe` needs to explain it."""
    enter(draft, Phase.FAILED)
    draft.status["reason"] = reason
    draft.set_condition("Synchronized", False, reason, message)
    draft.drop_condition("PodScheduled")
