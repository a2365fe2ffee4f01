"""The driver's end of a launcher's control connection. Standard library only.

::

    async with client.connect(run_dir / "launcher.sock", role="kubemu") as launcher:
        reply = await launcher.call("start", {"vmi": vmi, "facts": facts.to_json()}, fds=fds)
        async for event in launcher.events():
            ...
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import errno
import itertools
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from . import errors, framing, wire
from .errors import WireError

_RETRY_INTERVAL = 0.01
_NOT_YET = {errno.ENOENT, errno.ECONNREFUSED, errno.EAGAIN}


@dataclasses.dataclass(kw_only=True)
class Reply:
    """A call's result. Its descriptors belong to the caller, who closes them."""

    result: dict[str, Any]
    fds: dict[str, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    name: str
    data: dict[str, Any]


class Client:
    """A greeted connection. Several tasks may call at the same time."""

    def __init__(self, stream: wire.Stream, hello: Mapping[str, Any]) -> None:
        self.wire: int = hello["wire"]
        self.launcher: str = str(hello.get("launcher", ""))
        """The launcher's version."""
        self.state: dict[str, Any] = dict(hello.get("state", {}))
        """The newest STATE that was pushed."""
        self._stream = stream
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._events: collections.deque[Event] = collections.deque(maxlen=wire.QUEUE_LIMIT)
        self._news = asyncio.Condition()
        self._lost: WireError | None = None

    @property
    def lost(self) -> bool:
        """Whether the connection is over."""
        return self._lost is not None

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        fds: Mapping[str, int] | None = None,
        within: float | None = None,
    ) -> Reply:
        """Do a call of the protocol. `fds` stay the caller's; the launcher gets copies.

        Raises the launcher's error as what it is (errors.py), WireError when the connection
        breaks, TimeoutError after `within` seconds.
        """
        if self._lost:
            raise WireError(self._lost.message)
        number = next(self._ids)
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(within):
                message = {"id": number, "call": name, "args": dict(arguments or {})}
                await self._stream.send(message, fds)
                return await answer
        except BaseException:
            _forget(answer)
            raise
        finally:
            del self._waiting[number]

    async def events(self) -> AsyncIterator[Event]:
        """Events as they come, until the launcher closes the connection.

        One reader at a time. The oldest are lost when more than QUEUE_LIMIT wait to be read.
        """
        while True:
            async with self._news:
                await self._news.wait_for(lambda: self._events or self._lost)
                if not self._events:
                    return
                event = self._events.popleft()
            yield event

    async def until(self, *names: str) -> dict[str, Any]:
        """Wait until the machine's state has one of these names; return the STATE.

        Raises WireError when the connection ends before.
        """
        async with self._news:
            await self._news.wait_for(lambda: self.state.get("name") in names or self._lost)
        if self.state.get("name") not in names:
            raise WireError(self._lost.message if self._lost else "")
        return self.state

    async def receive(self) -> None:
        """Take in what the launcher sends until the connection ends. `connect` runs this."""
        lost = WireError("the launcher closed the connection")
        try:
            while (received := await self._stream.receive()) is not None:
                await self._take(received)
                # A peer that never pauses must not have the event loop to itself.
                await asyncio.sleep(0)
        except WireError as error:
            lost = error
        finally:
            self._lost = lost
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(WireError(lost.message))
            async with self._news:
                self._news.notify_all()

    async def _take(self, received: wire.Received) -> None:
        message = received.message
        if "event" in message:
            received.close()
            await self._note(Event(name=str(message["event"]), data=message.get("data") or {}))
        elif (answer := self._waiting.get(message.get("id", 0))) is None or answer.done():
            received.close()  # Its caller has given up.
        elif "error" in message:
            received.close()
            answer.set_exception(errors.from_json(message["error"]))
        else:
            answer.set_result(Reply(result=message.get("result") or {}, fds=received.take()))

    async def _note(self, event: Event) -> None:
        async with self._news:
            if event.name == "state":
                self.state = event.data
            self._events.append(event)
            self._news.notify_all()


def _forget(answer: asyncio.Future[Reply]) -> None:
    """An answer that came while its caller gave up: nobody else would close its descriptors."""
    if not answer.cancel() and not answer.cancelled() and not answer.exception():
        framing.close_all(answer.result().fds.values())


@contextlib.asynccontextmanager
async def connect(path: Path, *, role: str, within: float = 10.0) -> AsyncIterator[Client]:
    """Connect to the launcher's socket at `path`; wait up to `within` seconds for it to appear.

    Raises WireError when it does not, or does not speak our protocol.
    """
    try:
        async with asyncio.timeout(within):
            sock = await _open(path)
    except TimeoutError:
        raise WireError(f"no launcher listens at {path}") from None
    async with attach(sock, role=role, within=within) as launcher:
        yield launcher


@contextlib.asynccontextmanager
async def attach(sock: socket.socket, *, role: str, within: float = 10.0) -> AsyncIterator[Client]:
    """Greet the launcher at the other end of a connected socket, which is ours from now on."""
    stream = wire.Stream(sock)
    try:
        launcher = Client(stream, await _greet(stream, role, within))
        # Not in a TaskGroup: what the caller raises must reach it as itself, not in a group.
        receiving = asyncio.create_task(launcher.receive())
        try:
            yield launcher
        finally:
            receiving.cancel()
            await asyncio.wait({receiving})
    finally:
        stream.close()


async def _greet(stream: wire.Stream, role: str, within: float) -> dict[str, Any]:
    try:
        async with asyncio.timeout(within):
            await stream.send({"hello": {"wire": list(wire.VERSIONS), "role": role}})
            received = await stream.receive()
    except TimeoutError:
        raise WireError("the launcher does not greet back") from None
    if received is None:
        raise WireError("the launcher refused the connection")
    received.close()
    if "error" in received.message:
        raise errors.from_json(received.message["error"])
    hello = received.message.get("hello")
    if not isinstance(hello, dict) or hello.get("wire") not in wire.VERSIONS:
        raise WireError("the launcher speaks another protocol")
    return hello


async def _open(path: Path) -> socket.socket:
    while True:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            with framing.reachable(str(path)) as address:
                sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            if error.errno not in _NOT_YET:
                raise WireError(f"cannot connect to {path}: {error.strerror}") from error
        # A socket that a starting launcher is about to make: there is no event to wait for.
        await asyncio.sleep(_RETRY_INTERVAL)
