"""Keys are worked on once at a time, again when they ask for it, and retried when it fails."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from virtoperator.kube import Conflict, Unreachable
from virtoperator.workqueue import WorkQueue


@contextlib.asynccontextmanager
async def running(queue: WorkQueue[str]) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_key_is_worked_on_once_however_often_it_is_added() -> None:
    done: list[str] = []

    async def work(key: str) -> None:
        done.append(key)

    queue = WorkQueue("q", work)
    for _ in range(5):
        queue.add("a")
    queue.add("b")
    async with running(queue):
        while not queue.idle:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert sorted(done) == ["a", "b"]


async def test_news_during_the_work_means_once_more_and_never_two_at_a_time() -> None:
    began, go = asyncio.Event(), asyncio.Event()
    at_work = most = rounds = 0

    async def work(_: str) -> None:
        nonlocal at_work, most, rounds
        at_work += 1
        most = max(most, at_work)
        rounds += 1
        began.set()
        await go.wait()
        at_work -= 1

    queue = WorkQueue("q", work)
    queue.add("a")
    async with running(queue):
        await began.wait()
        queue.add("a")
        queue.add("a")
        go.set()
        while not queue.idle:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert (most, rounds) == (1, 2)


async def test_failures_are_retried() -> None:
    failures = [
        RuntimeError("bad"),
        Conflict(409, "Conflict", "changed"),
        Unreachable(503, "", "away"),
    ]
    done = asyncio.Event()

    async def work(_: str) -> None:
        if failures:
            raise failures.pop()
        done.set()

    queue = WorkQueue("q", work)
    queue.add("a")
    async with running(queue), asyncio.timeout(10):
        await done.wait()


async def test_work_may_ask_for_another_time() -> None:
    rounds = 0
    done = asyncio.Event()

    async def work(_: str) -> float | None:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            done.set()
            return None
        return 0.001

    queue = WorkQueue("q", work)
    queue.add("a")
    async with running(queue), asyncio.timeout(10):
        await done.wait()
