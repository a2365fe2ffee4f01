"""One work queue's work: observe, decide, perform; and pauses where the API server refuses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from ..kube import Conflict
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

    def __init__(
        self,
        reconciler: Reconciler[Any],
        performer: Performer,
        failures: Callable[[Key, int], None] = lambda key, count: None,
    ) -> None:
        """`failures` hears how often in a row an object could not be brought on; 0: it could."""
        self._reconciler = reconciler
        self._performer = performer
        self._tell = failures
        self._failures: dict[Key, int] = {}

    async def work(self, key: Key) -> float | None:
        """One reconcile; seconds until the next that time alone makes due."""
        failed = True
        try:
            due = await self._reconcile(key)
            failed = False
            return due
        except Conflict:
            failed = False  # Somebody was faster: nobody's failure.
            raise
        except Refused as refused:
            _log.warning("%s: %s", key, refused)
            return self._pause(key)
        finally:
            self._count(key, failed)

    async def _reconcile(self, key: Key) -> float | None:
        seen = await self._reconciler.observe(key)
        if seen is None:
            return None
        actions = self._reconciler.reconcile(seen)
        _note(key, actions)
        try:
            return await self._performer.perform(actions)
        except Refused as refused:
            await self._performer.perform(self._reconciler.report(seen, refused.failure))
            raise

    def _count(self, key: Key, failed: bool) -> None:
        if failed:
            self._failures[key] = self._failures.get(key, 0) + 1
        elif self._failures.pop(key, None) is None:
            return
        self._tell(key, self._failures.get(key, 0))

    def _pause(self, key: Key) -> float:
        doublings = min(self._failures.get(key, 0), 10)
        return min(_FIRST_PAUSE * 2.0**doublings, _LAST_PAUSE)


def _note(key: Key, actions: Sequence[Action]) -> None:
    if actions and _log.isEnabledFor(logging.DEBUG):
        _log.debug("%s: %s", key, "; ".join(described(action) for action in actions))
