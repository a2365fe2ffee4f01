"""The way down: power button, grace period, `quit`, SIGTERM, SIGKILL.

It needs neither driver nor API server. Each rung races QEMU's end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable

from ..errors import LauncherError
from .children import Child, ChildEnded
from .monitor import Monitor

BUTTON_INTERVAL = 3.0
"""Seconds between two presses: a guest that is booting does not hear the first ones."""
PATIENCE = 5.0
"""Seconds for `quit` (which flushes the disks) and for SIGTERM."""

_log = logging.getLogger("virtlauncher.stopping")


class Wish:
    """That the machine be stopped, and by when. A later wish can only bring the end nearer."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.deadline = float("inf")
        self.grace = 0.0
        """Seconds that the deadline stood for when it was set."""
        self._nearer = asyncio.Event()

    def ask(self, grace: float) -> None:
        """Wish for the end within `grace` seconds."""
        deadline = asyncio.get_running_loop().time() + grace
        if deadline < self.deadline:
            self.deadline, self.grace = deadline, grace
        self.asked.set()
        self._nearer.set()

    @property
    def over(self) -> bool:
        return asyncio.get_running_loop().time() >= self.deadline

    async def wait(self, seconds: float) -> None:
        """Wait so long, but not beyond the deadline, and only until that comes nearer."""
        self._nearer.clear()
        until = min(asyncio.get_running_loop().time() + seconds, self.deadline)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._nearer.wait()


async def power_down(process: Child, wish: Wish, press: Callable[[], Awaitable[None]]) -> bool:
    """Press the button again and again until QEMU has ended (True) or the grace is over (False)."""
    while not wish.over:
        try:
            await process.race(_press_once(press), PATIENCE)
            await process.race(wish.wait(BUTTON_INTERVAL), BUTTON_INTERVAL * 2)
        except ChildEnded:
            return True
        except TimeoutError:
            _log.warning("the monitor does not take the power button")
    return process.exited.done()


async def put_down(process: Child, monitor: Monitor) -> None:
    """End QEMU: it may flush its disks, then it must go."""
    try:
        await monitor.execute("quit", within=PATIENCE)
        await process.race(asyncio.Event().wait(), PATIENCE)
    except ChildEnded:
        return
    except (LauncherError, TimeoutError) as error:
        _log.warning("QEMU does not quit: %s", error or "it answered, and stayed")
    await process.end([signal.SIGTERM, signal.SIGKILL], PATIENCE)


async def _press_once(press: Callable[[], Awaitable[None]]) -> None:
    try:
        await press()
    except LauncherError as error:
        _log.warning("the power button had no effect: %s", error)
