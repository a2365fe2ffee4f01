"""QMP with a peer that may be hostile: bounded lines, bounded events, bounded waits.

Every command races QEMU's end and a time limit. Events are handled as they are read, so none
pile up here. A monitor that breaks the protocol, or floods us, is lost for good.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import qemu.qmp
import qemu.qmp.error

from ..errors import MonitorError, NotNow
from .children import Child

T = TypeVar("T")

COMMAND_TIMEOUT = 30.0
LINE_LIMIT = 4 * 1024 * 1024
"""Bytes of one answer or event. QEMU 10's query-qmp-schema, the longest answer, has 0.4 MB."""
PENDING_LIMIT = 64
FLOOD_COUNT, FLOOD_SECONDS = 50_000, 10.0
"""So many events in so many seconds are no machine's. A guest whose disk fails may cause many."""
_LAST_WORDS = 2.0
"""Seconds between the loss of the monitor and QEMU's end that still look like one event."""

_log = logging.getLogger("virtlauncher.monitor")


class MonitorLost(MonitorError):
    """The connection is over, or not to be trusted any more."""


class _Client(qemu.qmp.QMPClient):
    """QMPClient without its queue and history of events, which grow for as long as QEMU runs."""

    def __init__(self, on_event: Callable[[Mapping[str, Any]], None]) -> None:
        super().__init__(readbuflen=LINE_LIMIT)
        self._on_event = on_event
        self._flood = Flood()

    def _cb_inbound(self, msg: qemu.qmp.Message) -> qemu.qmp.Message:
        return msg  # The original renders every message for a debug log.

    def _cb_outbound(self, msg: qemu.qmp.Message) -> qemu.qmp.Message:
        return msg

    async def _on_message(self, msg: qemu.qmp.Message) -> None:
        if "event" in msg:
            self._flood.count(asyncio.get_running_loop().time())
            self._on_event(msg)
        else:
            await super()._on_message(msg)


class Flood:
    """Raises MonitorLost when `count` is called FLOOD_COUNT times within FLOOD_SECONDS."""

    def __init__(self) -> None:
        self._since = 0.0
        self._seen = 0

    def count(self, now: float) -> None:
        if now - self._since > FLOOD_SECONDS:
            self._since, self._seen = now, 0
        self._seen += 1
        if self._seen >= FLOOD_COUNT:
            raise MonitorLost(f"QEMU sent {self._seen} events in {now - self._since:.1f} s")


class Monitor:
    """One QEMU's monitor. `lost` gets the MonitorLost that ended it."""

    def __init__(self, qemu_process: Child, on_event: Callable[[Mapping[str, Any]], None]) -> None:
        self._process = qemu_process
        self._client = _Client(on_event)
        self._pending = 0
        self._handing_over = asyncio.Lock()
        self._ending: asyncio.Task[str] | None = None
        self.lost: asyncio.Future[MonitorLost] = asyncio.get_running_loop().create_future()

    async def connect(self, sock: socket.socket, within: float) -> None:
        """Read the greeting and agree on capabilities, `within` so many seconds.

        Raises ChildEnded, TimeoutError, or MonitorLost for a peer that does not speak QMP.
        """
        try:
            await self._wait(self._client.connect(sock), within)
        except qemu.qmp.ConnectError as error:
            raise MonitorLost(f"QEMU's monitor does not greet: {_cause(error.exc)}") from error
        except AssertionError as error:  # qemu.qmp's own, when the session is over as it begins.
            await self._last_words()
            cause = await self._disconnected()
            raise MonitorLost(f"QEMU's monitor was lost after its greeting: {cause}") from error

    async def watch(self) -> None:
        """Wait for the end of the connection; settles `lost`."""
        if self._client.runstate is qemu.qmp.Runstate.RUNNING:
            await self._client.runstate_changed()
        cause = await self._disconnected()
        self.lost.set_result(MonitorLost(f"QEMU's monitor was lost: {cause}"))

    async def execute(
        self,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        within: float = COMMAND_TIMEOUT,
    ) -> Any:
        """A QMP command's answer.

        Raises MonitorError with QEMU's words when it refuses or does not answer in time,
        MonitorLost, or ChildEnded when QEMU is gone.
        """
        if self._pending >= PENDING_LIMIT:
            raise NotNow(f"{PENDING_LIMIT} monitor commands wait for QEMU already")
        self._pending += 1
        try:
            return await self._wait(self._client.execute(command, arguments), within)
        except TimeoutError as error:
            raise MonitorError(f"QEMU did not answer {command} in {within:g} s") from error
        except qemu.qmp.ExecuteError as error:
            raise MonitorError(str(error)) from error
        except (qemu.qmp.QMPError, OSError) as error:
            raise MonitorLost(f"QEMU's monitor was lost during {command}") from error
        finally:
            self._pending -= 1

    async def hand_over(self, number: int, command: str, arguments: Mapping[str, Any]) -> Any:
        """Run `getfd` or `add-fd` with a descriptor. Ours stays open."""
        async with self._handing_over:
            try:
                self._client.send_fd_scm(number)
            except (qemu.qmp.QMPError, OSError) as error:
                raise MonitorLost(f"QEMU's monitor was lost before {command}") from error
            return await self.execute(command, arguments)

    async def close(self) -> None:
        """Let go of the socket; QEMU lives on."""
        await self._disconnected()

    async def _disconnected(self) -> str:
        """Why the connection ended. There is one disconnection, whoever asks first.

        It goes on when they are cancelled: qemu.qmp's would leave an exception that nobody takes.
        """
        if self._ending is None:
            self._ending = asyncio.create_task(self._disconnect())
        return await asyncio.shield(self._ending)

    async def _disconnect(self) -> str:
        try:
            await self._client.disconnect()
        except Exception as error:  # Whatever it was, it is the answer to "why".
            return _cause(error)
        return "closed"

    async def _wait(self, awaitable: Awaitable[T], within: float) -> T:
        try:
            return await self._process.race(awaitable, within)
        except (EOFError, OSError, qemu.qmp.QMPError) as error:
            if not isinstance(error, qemu.qmp.ExecuteError | TimeoutError):
                await self._last_words()
            raise

    async def _last_words(self) -> None:
        """A dying QEMU closes its monitor before it can be reaped: its exit says more."""
        await self._process.race(asyncio.sleep(_LAST_WORDS), _LAST_WORDS * 2)


def _cause(error: BaseException) -> str:
    if isinstance(error, EOFError):
        return "it closed the connection"
    return str(error) or type(error).__name__
