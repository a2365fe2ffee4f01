"""Conditions of an object's status: pure, and a change only where something changed."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

Json = dict[str, Any]


def timestamp(now: datetime.datetime) -> str:
    """A time as Kubernetes writes it: RFC 3339 in UTC, to the second."""
    return now.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parsed(text: str) -> datetime.datetime:
    """Inverse of `timestamp`; takes fractions of seconds too (MicroTime)."""
    return datetime.datetime.fromisoformat(text)


def find(conditions: Iterable[Json] | None, kind: str) -> Json | None:
    """The condition of this type, or None."""
    return next((one for one in conditions or () if one.get("type") == kind), None)


def is_true(conditions: Iterable[Json] | None, kind: str) -> bool:
    """Whether there is such a condition and it says so."""
    one = find(conditions, kind)
    return one is not None and one.get("status") == "True"


def condition(kind: str, status: bool | str, *, reason: str = "", message: str = "") -> Json:
    """A condition without its times: `merged` adds them."""
    value = status if isinstance(status, str) else str(status)
    one = {"type": kind, "status": value}
    if reason:
        one["reason"] = reason
    if message:
        one["message"] = message
    return one


def merged(
    old: Sequence[Json] | None,
    wanted: Iterable[Json],
    *,
    owned: Iterable[str],
    now: datetime.datetime,
) -> list[Json]:
    """`old` with the types in `owned` replaced by `wanted`, others as they are.

    An owned type that is not wanted goes. One that says the same keeps its times; a change of
    status makes a new transition time.
    """
    wanted_by = {one["type"]: one for one in wanted}
    rest = set(owned) | wanted_by.keys()
    result = []
    for one in old or ():
        if one["type"] not in rest:
            result.append(one)
        elif one["type"] in wanted_by:
            result.append(_updated(one, wanted_by.pop(one["type"]), now))
    return result + [_updated(None, one, now) for one in wanted_by.values()]


def _updated(old: Json | None, new: Json, now: datetime.datetime) -> Json:
    said = ("status", "reason", "message")
    if old and all(old.get(key) == new.get(key) for key in said):
        return old
    changed = old is None or old.get("status") != new["status"]
    kept = old.get("lastTransitionTime") if old and not changed else None
    return {**new, "lastTransitionTime": kept or timestamp(now)}
