"""Pauses between starts that fail: `status.startFailure`. Pure."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

from ... import conditions
from ..trees import at, uid_of
from ..vmi.phases import Phase, has_been, phase_of
from .strategies import RunStrategy

_UNIT, _LONGEST = 10, 300
"""Seconds: the pause is the count squared times the unit."""
STEADY = 30
"""Seconds of running after which a start has succeeded; what ends sooner is counted as failed."""
Json = dict[str, Any]


def start_failure(
    vm: Json, vmi: Json | None, strategy: RunStrategy, now: datetime.datetime
) -> Json | None:
    """The new `status.startFailure`; None when nothing failed, or that is over."""
    known: Json | None = at(vm, "status", "startFailure")
    if not strategy.restarts:
        return None
    if vmi is None:
        return known
    if _failed_to_start(vmi):
        if known and known.get("lastFailedVMIUID") == uid_of(vmi):
            return known
        return _counted(int((known or {}).get("consecutiveFailCount") or 0) + 1, vmi, now)
    if known and steady_in(vmi, now) == 0:
        return None
    return known


def wait_of(failure: Json | None, now: datetime.datetime) -> float:
    """Seconds until the next start may be tried; 0: now."""
    retry = (failure or {}).get("retryAfterTimestamp")
    if not retry:
        return 0
    return max((conditions.parsed(retry) - now).total_seconds(), 0)


def steady_in(vmi: Json, now: datetime.datetime) -> float | None:
    """Seconds until a running VM counts as started; None when it does not run."""
    since = _running_since(vmi)
    if phase_of(vmi) is not Phase.RUNNING or since is None:
        return None
    return max(STEADY - (now - since).total_seconds(), 0)


def _failed_to_start(vmi: Json) -> bool:
    phase = phase_of(vmi)
    if phase is Phase.FAILED:
        return _ran_for(vmi) < STEADY
    return phase is Phase.SUCCEEDED and not has_been(vmi, Phase.RUNNING)


def _ran_for(vmi: Json) -> float:
    since, until = _running_since(vmi), _entered(vmi, phase_of(vmi))
    if since is None:
        return 0
    return (until - since).total_seconds() if until else STEADY


def _running_since(vmi: Json) -> datetime.datetime | None:
    return _entered(vmi, Phase.RUNNING)


def _entered(vmi: Json, phase: Phase) -> datetime.datetime | None:
    for one in at(vmi, "status", "phaseTransitionTimestamps") or ():
        if one.get("phase") == phase and one.get("phaseTransitionTimestamp"):
            return conditions.parsed(one["phaseTransitionTimestamp"])
    return None


def _counted(count: int, vmi: Json, now: datetime.datetime) -> Json:
    delay = min(count * count * _UNIT, _LONGEST)
    # Many VMs that fail together should not be tried together; the UID is random enough.
    share = int.from_bytes(hashlib.sha256(uid_of(vmi).encode()).digest()[:4]) / 2**32
    pause = min(delay + share * delay / 2, _LONGEST)
    return {
        "consecutiveFailCount": count,
        "lastFailedVMIUID": uid_of(vmi),
        "retryAfterTimestamp": conditions.timestamp(now + datetime.timedelta(seconds=pause)),
    }
