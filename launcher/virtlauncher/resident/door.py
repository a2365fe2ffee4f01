"""The door for people inside the pod: what `machine`, `console` and `guest-console-log` ask.

The control socket takes nobody of the pod, because everybody there has our uid, a compromised
QEMU included. So nothing can be changed from here: one line, one answer, and the end.

::

    -> {"call": "machine"}    <- {"result": description.describe}
    -> {"call": "console"}    <- {"result": {}, "fds": ["console"]}, as in the wire protocol
    -> {"call": "wait"}       no answer: the connection ends when the machine has ended

A question that cannot be answered gets {"error": ERROR}.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket

from .. import framing, wire
from ..errors import LauncherError, Refused, WireError
from .accepting import connections, peer_of
from .calls import Answer, Calls
from .children import Children
from .description import describe

CONNECTIONS_LIMIT = 32
LINE_LIMIT = 4096
TIMEOUT = 10.0
"""Seconds for a question, and for its answer to be taken."""

_log = logging.getLogger("virtlauncher.door")


class Door:
    """Serves whoever has our own uid."""

    def __init__(self, *, calls: Calls, children: Children) -> None:
        self._calls = calls
        self._children = children
        self._since = asyncio.get_running_loop().time()
        self._visitors = 0

    async def serve(self, listener: socket.socket) -> None:
        """Accept and serve until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            async for sock in connections(listener):
                if peer_of(sock).uid == os.geteuid() and self._visitors < CONNECTIONS_LIMIT:
                    self._visitors += 1
                    tasks.create_task(self._serve(sock))
                else:
                    sock.close()

    async def _serve(self, sock: socket.socket) -> None:
        stream = wire.Stream(sock, line_limit=LINE_LIMIT, fds_limit=0)
        try:
            await self._answer(stream)
        except (WireError, TimeoutError) as error:
            _log.info("a visitor is sent away: %s", error or "it is slow")
        except Exception:
            _log.exception("a visitor's question failed")
        finally:
            self._visitors -= 1
            stream.close()

    async def _answer(self, stream: wire.Stream) -> None:
        async with asyncio.timeout(TIMEOUT):
            if (question := await stream.receive()) is None:
                return
        name = question.message.get("call")
        if name == "wait":
            await wire.readable(stream.sock)  # Its end; or ours, which cancels this.
            return
        try:
            answer = await self._ask(name)
        except LauncherError as error:
            await _send(stream, framing.encode({"error": error.to_json()}))
            return
        try:
            line = framing.encode({"result": answer.result}, tuple(answer.fds))
            await _send(stream, line, tuple(answer.fds.values()))
        finally:
            framing.close_all(answer.fds.values())

    async def _ask(self, name: object) -> Answer:
        match name:
            case "machine":
                return Answer(
                    result=describe(self._calls.machine, self._children.alive(), self._since)
                )
            case "console":
                return await self._calls.call("console", {})
            case _:
                raise Refused(f"there is no question {name!r}")


async def _send(stream: wire.Stream, line: bytes, fds: tuple[int, ...] = ()) -> None:
    async with asyncio.timeout(TIMEOUT):
        await stream.send_line(line, fds)
