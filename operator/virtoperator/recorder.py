"""Kubernetes events: what happened to an object, for `kubectl describe`.

Events are news, not state: they are sent by a task of their own, and one that cannot be sent is
logged and let go. The same news within a while is counted on one Event.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime
import hashlib
import logging
from typing import Any

from .kinds import EVENT
from .kube import AlreadyExists, ApiError, Kube, NotFound

NORMAL, WARNING = "Normal", "Warning"
_QUEUE = 1000
_REMEMBERED = 4096
_SERIES = 300.0
"""Seconds within which the same news is one Event, counted."""
_NOTE = 1024
"""Characters of a note: the API's own bound."""

_log = logging.getLogger("virtoperator.recorder")
Json = dict[str, Any]


@dataclasses.dataclass
class _Sent:
    name: str
    at: float
    count: int = 1


class Recorder:
    """Sends events in the name of one component. `run` does the sending."""

    def __init__(self, kube: Kube, component: str, instance: str) -> None:
        self._kube = kube
        self._component = component
        self._instance = instance
        self._queue: asyncio.Queue[tuple[str, Json]] = asyncio.Queue(_QUEUE)
        self._sent: collections.OrderedDict[str, _Sent] = collections.OrderedDict()

    def normal(self, about: Json, reason: str, note: str) -> None:
        """Something went as it should."""
        self._put(about, NORMAL, reason, note)

    def warning(self, about: Json, reason: str, note: str) -> None:
        """Something did not, and somebody should know."""
        self._put(about, WARNING, reason, note)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            digest, event = await self._queue.get()
            try:
                await self._send(digest, event)
            except ApiError as error:
                # Of a namespace that is going, or a server that is away: nothing waits for news.
                _log.info("event %s is not recorded: %s", event["reason"], error)

    def _put(self, about: Json, kind: str, reason: str, note: str) -> None:
        meta = about["metadata"]
        regarding = {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "name": meta["name"],
            "uid": meta["uid"],
        }
        namespace = meta.get("namespace") or "default"
        if meta.get("namespace"):
            regarding["namespace"] = namespace
        digest = hashlib.sha256("\0".join((meta["uid"], kind, reason, note)).encode()).hexdigest()
        event = {
            "metadata": {"namespace": namespace, "name": f"{meta['name'][:200]}.{digest[:12]}"},
            "regarding": regarding,
            "type": kind,
            "reason": reason,
            "note": note[:_NOTE],
        }
        try:
            self._queue.put_nowait((digest, event))
        except asyncio.QueueFull:
            _log.warning("event %s of %s is dropped: too many", reason, meta["name"])

    async def _send(self, digest: str, event: Json) -> None:
        now = asyncio.get_running_loop().time()
        known = self._sent.get(digest)
        if known and now - known.at < _SERIES:
            known.count += 1
            if await self._count(event, known):
                return
        stamp = _micro_time()
        name = f"{event['metadata']['name']}.{int(now * 1000):x}"
        body = {
            **event,
            "apiVersion": EVENT.api_version,
            "kind": EVENT.kind,
            "metadata": {**event["metadata"], "name": name},
            "eventTime": stamp,
            "action": event["reason"],
            "reportingController": self._component,
            "reportingInstance": self._instance,
        }
        try:
            await self._kube.create(EVENT, body)
        except AlreadyExists:
            _log.debug("event %s exists", name)
        self._sent[digest] = _Sent(name, now)
        if len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)

    async def _count(self, event: Json, known: _Sent) -> bool:
        series = {"count": known.count, "lastObservedTime": _micro_time()}
        namespace = event["metadata"]["namespace"]
        try:
            await self._kube.patch(EVENT, namespace, known.name, {"series": series})
        except NotFound:
            return False
        return True


def _micro_time() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
