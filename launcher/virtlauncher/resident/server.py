"""The control socket: who may speak, in which order, and how much.

A connection fails alone. `calls` does what is asked.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import logging
import os
import socket
from collections.abc import Mapping
from typing import Any

from .. import framing, wire
from ..errors import LauncherError, WireError
from . import VERSION
from .accepting import connections, peer_of
from .calls import Answer, Calls

CONNECTIONS_LIMIT = 16
_FAREWELL = 2.0
"""Seconds for drivers to read what is left for them at the end."""
_REPLACED = frozenset({"state", "abi"})
"""Events of which only the newest matters."""

_log = logging.getLogger("virtlauncher.server")


class Server:
    """Every connection, and which of them hear of events."""

    def __init__(self, *, standalone: bool) -> None:
        self.calls: Calls
        self.driver: Connection | None = None
        """The newest that said hello."""
        self._standalone = standalone
        self._connections: set[Connection] = set()

    async def serve(self, listener: socket.socket) -> None:
        """Accept and serve until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            async for sock in connections(listener):
                if self._welcome(sock):
                    tasks.create_task(self._serve(sock))
                else:
                    sock.close()

    def publish(self, name: str, data: Mapping[str, Any]) -> None:
        """Push an event to the driver and to everybody who subscribed."""
        for connection in list(self._connections):
            if connection.hears:
                key = name if name in _REPLACED else ""
                connection.push({"event": name, "data": data}, key=key)

    async def farewell(self) -> None:
        """Let every connection have its answers and events, for a short time."""
        waits = [asyncio.ensure_future(one.settled()) for one in self._connections]
        if waits:
            _, late = await asyncio.wait(waits, timeout=_FAREWELL)
            for wait in late:
                wait.cancel()

    def _welcome(self, sock: socket.socket) -> bool:
        peer = peer_of(sock)
        # A peer outside our pid namespace has no number in it. Its uid would say nothing: with
        # user namespaces the node's root is nobody here, and inside the pod all have our own.
        known = peer.uid == os.geteuid() if self._standalone else peer.pid == 0
        if not known:
            _log.warning("a connection of process %d, uid %d, was refused", peer.pid, peer.uid)
        elif len(self._connections) >= CONNECTIONS_LIMIT:
            _log.warning("there are %d connections already", CONNECTIONS_LIMIT)
        return known and len(self._connections) < CONNECTIONS_LIMIT

    async def _serve(self, sock: socket.socket) -> None:
        connection = Connection(self, wire.Stream(sock))
        self._connections.add(connection)
        try:
            await connection.serve()
        except Exception:
            _log.exception("a connection failed")
        finally:
            self._connections.discard(connection)
            if self.driver is connection:
                self.driver = None
            connection.close()


@dataclasses.dataclass(kw_only=True, eq=False)
class _Outgoing:
    key: str
    line: bytes
    fds: Mapping[str, int]


class Connection:
    """One peer: its hello, its calls under way, and the queue of what it has not read yet."""

    def __init__(self, server: Server, stream: wire.Stream) -> None:
        self._server = server
        self._stream = stream
        self._subscribed: bool | None = None
        self._queue: collections.deque[_Outgoing] = collections.deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._slots = asyncio.Semaphore(wire.CALLS_LIMIT)
        self._under_way: set[asyncio.Task[None]] = set()
        self._breach: WireError | None = None

    @property
    def hears(self) -> bool:
        """Whether events go here: as subscribed, else to the driver alone."""
        return self._server.driver is self if self._subscribed is None else self._subscribed

    async def serve(self) -> None:
        """Until the peer goes, or breaks the protocol."""
        try:
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(self._write())
                try:
                    await self._read(tasks)
                except WireError as error:
                    await self._refuse(error)
                for task in (writing, *self._under_way):
                    task.cancel()
        except* WireError as group:  # The peer does not take what we write.
            _log.info("a connection ends: %s", group.exceptions[0])

    async def _read(self, tasks: asyncio.TaskGroup) -> None:
        if not await self._greet():
            return
        while self._breach is None and (received := await self._stream.receive()) is not None:
            await self._slots.acquire()
            task = tasks.create_task(self._do(received))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        if self._breach:
            raise self._breach

    async def _refuse(self, error: WireError) -> None:
        _log.warning("a connection ends: %s", error)
        self.push({"error": error.to_json()})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await self._empty.wait()

    def close(self) -> None:
        for outgoing in self._queue:
            framing.close_all(outgoing.fds.values())
        self._queue.clear()
        self._stream.close()

    async def settled(self) -> None:
        """Wait until every call is answered, and everything is sent."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        await self._empty.wait()

    def push(
        self, message: Mapping[str, Any], fds: Mapping[str, int] | None = None, key: str = ""
    ) -> None:
        """Queue a message; it takes the place of an unsent one with the same key."""
        if key:
            for older in [one for one in self._queue if one.key == key]:
                self._queue.remove(older)
                self._bytes -= len(older.line)
        line = framing.encode(message, tuple(fds or ()))
        if len(line) > wire.LINE_LIMIT:
            bug = LauncherError(f"the answer is longer than {wire.LINE_LIMIT} bytes")
            line = framing.encode({"id": message.get("id"), "error": bug.to_json()})
        self._queue.append(_Outgoing(key=key, line=line, fds=fds or {}))
        self._bytes += len(line)
        self._empty.clear()
        self._filled.set()
        if len(self._queue) > wire.QUEUE_LIMIT or self._bytes > wire.QUEUE_BYTES:
            _log.warning("a connection ends: %d messages were not read", len(self._queue))
            self._stream.end()

    async def _write(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._queue:
                outgoing = self._queue.popleft()
                self._bytes -= len(outgoing.line)
                try:
                    await self._stream.send_line(outgoing.line, outgoing.fds.values())
                finally:
                    framing.close_all(outgoing.fds.values())
            self._empty.set()

    async def _greet(self) -> bool:
        try:
            async with asyncio.timeout(wire.HELLO_TIMEOUT):
                received = await self._stream.receive()
        except TimeoutError:
            raise WireError("the peer said no hello") from None
        if received is None:
            return False
        if received.fds:
            received.close()
            raise WireError("a hello takes no descriptors")
        hello = received.message.get("hello")
        spoken = hello.get("wire") if isinstance(hello, dict) else None
        common = [v for v in wire.VERSIONS if isinstance(spoken, list) and v in spoken]
        if not common:
            raise WireError(f"this launcher speaks wire versions {list(wire.VERSIONS)}")
        self._server.driver = self
        state = self._server.calls.machine.track.state.to_json()
        self.push({"hello": {"wire": max(common), "launcher": VERSION, "state": state}})
        return True

    async def _do(self, received: wire.Received) -> None:
        message = received.message
        number = message.get("id")
        try:
            answer = await self._answer(received)
            self.push({"id": number, "result": answer.result}, answer.fds)
        except WireError as error:
            self._breach = error
            self._stream.end_input()
        except LauncherError as error:
            self.push({"id": number, "error": error.to_json()})
        except Exception:
            _log.exception("call %r failed", message.get("call"))
            bug = LauncherError("an error in the launcher itself; its log has more")
            self.push({"id": number, "error": bug.to_json()})
        finally:
            received.close()
            self._slots.release()

    async def _answer(self, received: wire.Received) -> Answer:
        message = received.message
        name, arguments = message.get("call"), message.get("args", {})
        if not isinstance(message.get("id"), int | str) or not isinstance(name, str):
            raise WireError("a request has an id and the name of a call")
        if not isinstance(arguments, dict):
            raise WireError("a call's arguments are an object")
        if name == "start":
            return await self._server.calls.start(arguments, received.take())
        if received.fds:
            raise WireError(f"{name} takes no descriptors")
        if name == "subscribe":
            self._subscribed = arguments.get("on") is not False
            return Answer(result={})
        return await self._server.calls.call(name, arguments)
