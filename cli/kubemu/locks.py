"""Locks on folders: taken with flock, so they end with their holder, however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

_INTERVAL = 0.05


@contextlib.contextmanager
def try_lock(folder: Path) -> Iterator[bool]:
    """Holds an existing folder if nobody else does; yields whether it does.

    A folder that was removed or replaced in between is not the one that was meant.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield _is_still(handle, folder)
    finally:
        os.close(handle)


@contextlib.asynccontextmanager
async def lock(folder: Path) -> AsyncIterator[None]:
    """Holds a folder, making it if need be; waits while another does. The caller has the limit."""
    with contextlib.ExitStack() as stack:
        while not stack.enter_context(_try_made(folder)):
            stack.close()
            await asyncio.sleep(_INTERVAL)
        yield


@contextlib.contextmanager
def _try_made(folder: Path) -> Iterator[bool]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with try_lock(folder) as held:
        yield held


def _is_still(handle: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), folder.lstat())
    except FileNotFoundError:
        return False
