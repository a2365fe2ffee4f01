"""Following a VM in the foreground: its state, its console, our signals and our clock, in one loop.

Tasks only report what happened; `_Session.decide` alone says what follows from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

from virtlauncher.client import Client
from virtlauncher.errors import LauncherError, NotNow

from . import endings, say, terminal
from .folders import VmFolders
from .launcher import Launcher
from .names import VmName
from .record import Ending
from .tasks import task_group

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LAST_OUTPUT = 2.0
"""Seconds for the console's last bytes once the machine has ended."""
_REAP = 10.0
"""Seconds for the launcher to end once the machine has."""


@dataclasses.dataclass(frozen=True)
class Ended:
    ending: Ending


@dataclasses.dataclass(frozen=True)
class Detached:
    pass


@dataclasses.dataclass(frozen=True)
class Signalled:
    number: int


@dataclasses.dataclass(frozen=True)
class TimeOver:
    pass


Happening = Ended | Detached | Signalled | TimeOver


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    ending: Ending | None
    """None: the VM goes on without us."""
    timed_out: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Followed:
    """What is followed."""

    vm: VmName
    folders: VmFolders
    client: Client
    launcher: Launcher
    console: socket.socket | None
    time_limit: float | None
    """Seconds until the VM is powered down; None: as long as it likes."""
    grace: int


async def follow(followed: Followed) -> Outcome:
    """Until the VM has ended or the person left it."""
    session = _Session(followed)
    keyboard = sys.stdin.fileno() if terminal.has_keyboard() else None
    with terminal.raw_terminal(keyboard) if keyboard is not None else contextlib.nullcontext():
        async with task_group() as tasks:
            watchers = [
                tasks.create_task(session.watch_launcher()),
                tasks.create_task(session.watch_clock()),
                tasks.create_task(session.watch_console(keyboard)),
            ]
            with session.catch_signals():
                outcome = await session.decide()
            if outcome.ending is not None:
                await session.drain_console(watchers[-1])
            for watcher in watchers:
                watcher.cancel()
    return outcome


class _Session:
    def __init__(self, followed: Followed) -> None:
        self._it = followed
        self._happenings: asyncio.Queue[Happening] = asyncio.Queue()

    async def decide(self) -> Outcome:
        """What each happening means, in the order they come."""
        stops, timed_out = 0, False
        while True:
            match await self._happenings.get():
                case Ended(ending=ending):
                    return Outcome(ending=ending, timed_out=timed_out)
                case Detached():
                    return Outcome(ending=None)
                case TimeOver():
                    timed_out = True
                    say.note(f"{self._it.vm}: the time is over, powering down")
                    stops = await self._stop(stops)
                case Signalled():
                    stops = await self._stop(stops)

    async def _stop(self, stops: int) -> int:
        """The first time by the power button, from then on at once."""
        try:
            if stops == 0:
                say.note(f"{self._it.vm}: powering down within {self._it.grace} s; again: at once")
                await self._it.client.call("shutdown", {"grace": self._it.grace})
            else:
                await self._it.client.call("kill")
        except NotNow:
            pass  # It is ending already.
        except LauncherError as error:
            say.warn(f"the launcher does not take it: {error}")
        return stops + 1

    async def watch_launcher(self) -> None:
        """Says what changes; ends with the machine, or with the launcher."""
        async for event in self._it.client.events():
            if event.name == "state" and (ending := endings.from_state(event.data)):
                self._happenings.put_nowait(Ended(ending))
                return
            _announce(self._it.vm, event.name, event.data)
        status = await self._it.launcher.process.wait()
        self._happenings.put_nowait(Ended(endings.from_status(status, self._it.folders)))

    async def watch_clock(self) -> None:
        if self._it.time_limit is not None:
            await asyncio.sleep(self._it.time_limit)
            self._happenings.put_nowait(TimeOver())

    async def watch_console(self, keyboard: int | None) -> None:
        if self._it.console is None:
            return
        left = await terminal.relay(self._it.console, keyboard, sys.stdout.fileno())
        if left is terminal.Left.DETACHED:
            self._happenings.put_nowait(Detached())

    async def drain_console(self, console: asyncio.Task[None]) -> None:
        await asyncio.wait({console}, timeout=_LAST_OUTPUT)

    @contextlib.contextmanager
    def catch_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._happenings.put_nowait, Signalled(number))
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)


async def reap(launcher: Launcher) -> None:
    """Waits for a launcher whose machine has ended; one that stays is told to go, then must."""
    for last in (launcher.process.terminate, launcher.process.kill, None):
        try:
            async with asyncio.timeout(_REAP):
                await launcher.process.wait()
            return
        except TimeoutError:
            if last is not None:
                say.warn("the launcher does not end by itself")
                with contextlib.suppress(ProcessLookupError):
                    last()


def _announce(vm: VmName, event: str, data: dict[str, Any]) -> None:
    match event:
        case "state" if data.get("name") == "paused":
            say.note(f"{vm}: paused ({data.get('reason')})")
        case "io_error":
            say.warn(
                f"{vm}: I/O error on volume {data.get('volume')}: "
                f"{data.get('operation')}: {data.get('reason')}"
            )
        case "guest_panic":
            say.warn(f"{vm}: the guest's kernel panicked")
        case "log" if data.get("level") in ("warning", "error", "critical"):
            say.warn(f"{vm}: {data.get('message')}")
        case _:
            pass
