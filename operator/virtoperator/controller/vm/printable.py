"""A VM's state in one word, for `kubectl get`: KubeVirt's rules, the first that holds. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from ... import conditions
from ..trees import at, is_deleting
from ..vmi.phases import Phase, phase_of
from .strategies import RunStrategy, Step

Json = dict[str, Any]


class Printable(StrEnum):
    TERMINATING = "Terminating"
    STOPPING = "Stopping"
    MIGRATING = "Migrating"
    PAUSED = "Paused"
    RUNNING = "Running"
    ERROR_PVC_NOT_FOUND = "ErrorPvcNotFound"
    ERROR_UNSCHEDULABLE = "ErrorUnschedulable"
    WAITING_FOR_VOLUME_BINDING = "WaitingForVolumeBinding"
    ERR_IMAGE_PULL = "ErrImagePull"
    IMAGE_PULL_BACK_OFF = "ImagePullBackOff"
    STARTING = "Starting"
    CRASH_LOOP_BACK_OFF = "CrashLoopBackOff"
    STOPPED = "Stopped"
    WAITING_FOR_RECEIVER = "WaitingForReceiver"
    UNKNOWN = "Unknown"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Situation:
    """What the word depends on."""

    vm: Json
    vmi: Json | None
    step: Step
    """What is about to be done with the instance."""
    strategy: RunStrategy
    backing_off: bool
    """A start has failed, and the next one is not due."""

    @property
    def phase(self) -> Phase | None:
        return phase_of(self.vmi) if self.vmi is not None else None

    def holds(self, kind: str) -> bool:
        return conditions.is_true(at(self.vmi, "status", "conditions"), kind)

    def reason(self, kind: str) -> str:
        """The reason of a condition that says False; '' otherwise."""
        one = conditions.find(at(self.vmi, "status", "conditions"), kind) or {}
        return one.get("reason", "") if one.get("status") == "False" else ""


def printable_status(now: Situation) -> Printable:
    return next((word for word, holds in _RULES if holds(now)), Printable.UNKNOWN)


def _stopping(now: Situation) -> bool:
    if now.vmi is None or now.phase is None or now.phase.final:
        return False
    return is_deleting(now.vmi) or now.step is Step.DELETE


def _migrating(now: Situation) -> bool:
    state = at(now.vmi, "status", "migrationState") or {}
    return bool(state) and not (state.get("completed") or state.get("failed"))


def _starting(now: Situation) -> bool:
    if now.vmi is None:
        return now.step is Step.CREATE and not now.backing_off
    begun = (Phase.UNSET, Phase.PENDING, Phase.SCHEDULING, Phase.SCHEDULED)
    return now.phase in begun


def _crash_loop(now: Situation) -> bool:
    return now.backing_off and now.strategy.restarts and (now.phase is None or now.phase.final)


_RULES: tuple[tuple[Printable, Callable[[Situation], bool]], ...] = (
    (Printable.TERMINATING, lambda now: is_deleting(now.vm)),
    (Printable.STOPPING, _stopping),
    (Printable.MIGRATING, _migrating),
    (Printable.PAUSED, lambda now: now.holds("Paused") and now.phase is Phase.RUNNING),
    (Printable.RUNNING, lambda now: now.phase is Phase.RUNNING),
    (
        Printable.ERROR_PVC_NOT_FOUND,
        lambda now: now.reason("Synchronized") == "FailedPvcNotFound",
    ),
    (
        Printable.ERROR_UNSCHEDULABLE,
        lambda now: now.reason("PodScheduled") == "Unschedulable",
    ),
    (Printable.WAITING_FOR_VOLUME_BINDING, lambda now: now.holds("Provisioning")),
    (Printable.ERR_IMAGE_PULL, lambda now: now.reason("Synchronized") == "ErrImagePull"),
    (Printable.IMAGE_PULL_BACK_OFF, lambda now: now.reason("Synchronized") == "ImagePullBackOff"),
    (Printable.STARTING, _starting),
    (Printable.CRASH_LOOP_BACK_OFF, _crash_loop),
    (
        Printable.STOPPED,
        lambda now: (
            (now.phase is None or now.phase.final)
            and now.strategy is not RunStrategy.WAIT_AS_RECEIVER
        ),
    ),
    (
        Printable.WAITING_FOR_RECEIVER,
        lambda now: now.strategy is RunStrategy.WAIT_AS_RECEIVER,
    ),
)
