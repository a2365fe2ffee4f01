"""Who wrote what to the API, read from the audit log: for counting, and for explaining.

The log holds every request that may change something, but no renewals of Leases.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_VERBS = {"create", "update", "patch", "delete", "deletecollection"}
_REVIEWS = {"authentication.k8s.io", "authorization.k8s.io"}


@dataclass(frozen=True, kw_only=True)
class Write:
    """One request that changed something, or tried to."""

    time: datetime.datetime
    """When it was answered."""
    user: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    """The answer's HTTP status: conflicts and refusals are writes that cost, too."""


def writes(log: Path, since: datetime.datetime, user_prefix: str = "") -> list[Write]:
    """What users whose name starts so have written since, oldest first.

    Requests that store nothing by their nature (token and access reviews) are no writes. The log
    gets a line just after the client got its answer: who counts waits for what was last written.
    """
    found = [write for line in _lines(log) if (write := _parsed(line))]
    return [write for write in found if write.time >= since and write.user.startswith(user_prefix)]


def _lines(log: Path) -> Iterator[str]:
    """The log's lines, those of its rotated predecessors first; a line still in writing is not."""
    for path in (*sorted(log.parent.glob(f"{log.stem}-*{log.suffix}")), log):
        with path.open() as handle:
            yield from (line for line in handle if line.endswith("\n"))


def _parsed(line: str) -> Write | None:
    event: dict[str, Any] = json.loads(line)
    target = event.get("objectRef", {})
    group = target.get("apiGroup", "")
    ended = event["stage"] == "ResponseComplete"
    if not ended or event["verb"] not in _VERBS or group in _REVIEWS:
        return None
    return Write(
        time=datetime.datetime.fromisoformat(event["stageTimestamp"]),
        user=event["user"]["username"],
        verb=event["verb"],
        group=group,
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
    )
