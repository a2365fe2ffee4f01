"""Work to be done, by key: a key is in it once, is worked on by one task, and retried on failure.

What `client-go`'s rate-limited queues do for controllers in Go; `on.event` of kopf neither
coalesces nor retries.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, Protocol, TypeVar

from .kube import Conflict, Unreachable

K = TypeVar("K", bound=Hashable)
FIRST_DELAY, LAST_DELAY = 0.05, 60.0
"""Seconds before the first retry of a key, and the most that doubling leads to."""
_CONFLICT_DELAY = 0.05

_log = logging.getLogger("virtoperator.workqueue")


class Watched(Protocol):
    """Who counts what a queue does."""

    def added(self, queue: str, depth: int) -> None: ...
    def worked(self, queue: str, depth: int, seconds: float, failed: bool) -> None: ...


class WorkQueue(Generic[K]):
    """Keys that want attention. `run` works on them; `add` may be called at any time."""

    def __init__(
        self,
        name: str,
        work: Callable[[K], Awaitable[float | None]],
        *,
        workers: int = 8,
        metrics: Watched | None = None,
    ) -> None:
        """`work(key)` may return seconds after which the key is due again by itself.

        What it raises is logged, and the key retried: at once-ish on Conflict, else with a
        delay that doubles from FIRST_DELAY to LAST_DELAY.
        """
        self.name = name
        self._work = work
        self._workers = workers
        self._metrics = metrics
        self._ready: asyncio.Queue[K] = asyncio.Queue()
        self._queued: set[K] = set()
        self._busy: set[K] = set()
        self._again: set[K] = set()
        self._later: dict[K, tuple[float, asyncio.TimerHandle]] = {}
        self._failures: dict[K, int] = {}

    @property
    def depth(self) -> int:
        """Keys that wait for a worker."""
        return len(self._queued)

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is worked on; what is due later does not count."""
        return not (self._queued or self._busy or self._again)

    def add(self, key: K) -> None:
        """The key wants attention, now. While it is worked on: once more after that."""
        if key in self._busy:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._ready.put_nowait(key)
            if self._metrics:
                self._metrics.added(self.name, len(self._queued))

    def add_after(self, key: K, delay: float) -> None:
        """The key wants attention in `delay` seconds; the earliest such wish counts."""
        due = time.monotonic() + delay
        if known := self._later.get(key):
            if known[0] <= due:
                return
            known[1].cancel()
        handle = asyncio.get_running_loop().call_later(delay, self._due, key)
        self._later[key] = (due, handle)

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(self._workers):
                    tasks.create_task(self._worker())
        finally:
            for _, handle in self._later.values():
                handle.cancel()
            self._later.clear()

    def _due(self, key: K) -> None:
        self._later.pop(key, None)
        self.add(key)

    async def _worker(self) -> None:
        while True:
            key = await self._ready.get()
            self._queued.discard(key)
            self._busy.add(key)
            try:
                await self._attend(key)
            finally:
                self._busy.discard(key)
                if key in self._again:
                    self._again.discard(key)
                    self.add(key)

    async def _attend(self, key: K) -> None:
        began = time.monotonic()
        failed = True
        try:
            after = await self._work(key)
            failed = False
        except Conflict as error:
            _log.debug("%s %s: %s", self.name, key, error)
            self.add_after(key, _CONFLICT_DELAY)
        except Unreachable as error:
            _log.warning("%s %s: %s", self.name, key, error)
            self.add_after(key, max(error.retry_after, self._next_delay(key)))
        except Exception:
            _log.exception("%s %s failed", self.name, key)
            self.add_after(key, self._next_delay(key))
        else:
            self._failures.pop(key, None)
            if after is not None:
                self.add_after(key, after)
        if self._metrics:
            self._metrics.worked(self.name, self.depth, time.monotonic() - began, failed)

    def _next_delay(self, key: K) -> float:
        count = self._failures[key] = self._failures.get(key, 0) + 1
        delay = min(FIRST_DELAY * 2 ** min(count - 1, 20), LAST_DELAY)
        return float(delay * random.uniform(0.8, 1.2))
