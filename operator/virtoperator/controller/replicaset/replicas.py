"""Which VMIs of a replica set count, which are over, and which go first. Pure."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any

from ... import conditions
from ..trees import at, is_deleting, meta
from ..vmi.phases import Phase, has_been, is_final, phase_of

HELD = 10
"""Seconds for which a VMI that never ran keeps its place: a bad template must not spin."""
Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Replicas:
    """The VMIs of a replica set, sorted out."""

    active: tuple[Json, ...]
    finished: tuple[Json, ...]
    """To be deleted; others come in their place."""
    held_for: float
    """Seconds until the first of those that failed gives up its place; 0: there is none."""
    held: int = 0

    @property
    def ready(self) -> int:
        return sum(_is_ready(vmi) for vmi in self.active)

    def surplus(self, count: int) -> Sequence[Json]:
        """Which `count` of the active to delete: who is not ready first, then the youngest."""
        ranked = sorted(self.active, key=lambda vmi: (_is_ready(vmi), _age_rank(vmi)))
        return ranked[:count]


def sort_out(vmis: Sequence[Json], now: datetime.datetime) -> Replicas:
    """VMIs that are being deleted count for nothing any more."""
    staying = [vmi for vmi in vmis if not is_deleting(vmi)]
    over = [vmi for vmi in staying if is_final(vmi) or _is_losing_its_pod(vmi)]
    waits = {meta(vmi)["uid"]: _held(vmi, now) for vmi in over}
    held = [wait for wait in waits.values() if wait > 0]
    return Replicas(
        active=tuple(vmi for vmi in staying if vmi not in over),
        finished=tuple(vmi for vmi in over if waits[meta(vmi)["uid"]] == 0),
        held_for=min(held, default=0),
        held=len(held),
    )


def _is_losing_its_pod(vmi: Json) -> bool:
    ready = conditions.find(at(vmi, "status", "conditions"), "Ready") or {}
    return ready.get("status") == "False" and ready.get("reason") == "PodTerminating"


def _held(vmi: Json, now: datetime.datetime) -> float:
    """Seconds for which a VMI still keeps its place."""
    if phase_of(vmi) is not Phase.FAILED or has_been(vmi, Phase.RUNNING):
        return 0
    entered = at(vmi, "status", "phaseTransitionTimestamps") or ()
    for one in entered:
        if one.get("phase") == Phase.FAILED and one.get("phaseTransitionTimestamp"):
            passed = (now - conditions.parsed(one["phaseTransitionTimestamp"])).total_seconds()
            return max(HELD - passed, 0)
    return 0


def _is_ready(vmi: Json) -> bool:
    return conditions.is_true(at(vmi, "status", "conditions"), "Ready")


def _age_rank(vmi: Json) -> tuple[float, str]:
    created = meta(vmi).get("creationTimestamp")
    born = conditions.parsed(created).timestamp() if created else 0.0
    return -born, str(meta(vmi)["name"])
