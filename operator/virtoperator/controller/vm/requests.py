"""Starts and stops that were asked for: `status.stateChangeRequests`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..trees import at, uid_of
from ..vmi.phases import is_final

Json = dict[str, Any]
START, STOP = "Start", "Stop"


def pending(vm: Json, vmi: Json | None) -> list[Json]:
    """The requests that are not fulfilled yet; they are fulfilled in order."""
    requests: list[Json] = list(at(vm, "status", "stateChangeRequests") or ())
    while requests and _fulfilled(requests[0], vmi):
        requests.pop(0)
    return requests


def _fulfilled(request: Json, vmi: Json | None) -> bool:
    if request.get("action") == STOP:
        return vmi is None or uid_of(vmi) != request.get("uid")
    return vmi is not None and not is_final(vmi)


def asks_start(requests: Sequence[Json]) -> bool:
    return bool(requests) and requests[0].get("action") == START


def asks_stop(requests: Sequence[Json], vmi: Json) -> bool:
    """Whether this very instance is to be stopped."""
    first = requests[0] if requests else {}
    return first.get("action") == STOP and first.get("uid") == uid_of(vmi)


def asks_pause(requests: Sequence[Json]) -> bool:
    """Whether the guest is to wait with its first instruction."""
    return asks_start(requests) and at(requests[0], "data", "paused") == "true"
