"""One work queue's work: observe, decide, perform; and pauses where the API server refuses."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from ..store import Key
from .actions import Action, Failure
from .performing import Performer, Refused, described

S = TypeVar("S")
_FIRST_PAUSE, _LAST_PAUSE = 1.0, 60.0
"""Seconds before something refused is tried again; doubles each time."""

_log = logging.getLogger("virtoperator.controller")


class Reconciler(Protocol[S]):
    """What is particular to one kind of objects."""

    async def observe(self, key: Key) -> S | None:
        """All that the decision depends on; None when there is no such object."""

    def reconcile(self, seen: S) -> list[Action]:
        """The decision. Pure."""

    def report(self, seen: S, failure: Failure) -> list[Action]:
        """What is said about an action that was refused. Pure."""


class Driver:
    """Works on the objects of one kind, by key."""

    def __init__(self, reconciler: Reconciler[Any], performer: Performer) -> None:
        self._reconciler = reconciler
        self._performer = performer
        self._refusals: dict[Key, int] = {}

    async def work(self, key: Key) -> float | None:
        """One reconcile; seconds until the next that time alone makes due."""
        seen = await self._reconciler.observe(key)
        if seen is None:
            self._refusals.pop(key, None)
            return None
        actions = self._reconciler.reconcile(seen)
        _note(key, actions)
        try:
            due = await self._performer.perform(actions)
        except Refused as refused:
            _log.warning("%s: %s", key, refused)
            await self._performer.perform(self._reconciler.report(seen, refused.failure))
            return self._pause(key)
        self._refusals.pop(key, None)
        return due

    def _pause(self, key: Key) -> float:
        count = self._refusals[key] = self._refusals.get(key, 0) + 1
        return min(_FIRST_PAUSE * 2.0 ** min(count - 1, 10), _LAST_PAUSE)


def _note(key: Key, actions: Sequence[Action]) -> None:
    if actions and _log.isEnabledFor(logging.DEBUG):
        _log.debug("%s: %s", key, "; ".join(described(action) for action in actions))
