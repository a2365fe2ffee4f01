"""The protocol between a launcher and whoever drives it (virt-handler, kubemu).

One JSON object a line over a unix stream socket; a message's `fds: [names]` ride on its first
byte (SCM_RIGHTS, at most 32, close-on-exec). Both sides ignore keys they do not know; a line has
at most `LINE_LIMIT` bytes; a connection whose queue of unsent messages exceeds `QUEUE_LIMIT` lines
or `QUEUE_BYTES` is closed (a slow reader must not grow the launcher). An unsent `state` or `abi`
event is replaced by a newer one. A peer has `HELLO_TIMEOUT` seconds for its hello, and at most
`CALLS_LIMIT` calls under way; descriptors that a message does not name, or that a call does not
take, close the connection.

::

    -> {"hello": {"wire": [1], "role": "kubemu"}}      wire: every version the caller speaks
    <- {"hello": {"wire": 1, "launcher": "0.1.0", "state": STATE}}
    -> {"id": 1, "call": "start", "args": {...}, "fds": ["tap0"]}
    <- {"id": 1, "result": {...}, "fds": [...]}        or {"id": 1, "error": ERROR}
    <- {"event": "state", "data": STATE}               pushed, after hello

A hello without a version that the launcher speaks, and every breach of the protocol that can be
answered, gets {"error": ERROR} and the end of the connection. The newest accepted `hello` is *the*
driver of events; older connections still get answers, and events too once they `subscribe`.
Answers come in any order. A call lives as long as its connection, but `start`, once accepted, and
`shutdown` go on without it.

Calls (arguments -> result; every one may answer an ERROR of errors.py):

    start         vmi (VirtualMachineInstance), facts (Facts), fds -> state, disks, nics, abi
    status                                                -> state, disks, nics, abi, argv
    pause, resume, reset, power_button                    -> state
    soft_reboot                                           -> by: 'agent' | 'acpi'
    shutdown      grace (seconds, optional)               -> state; the ladder runs on by itself
    kill                                                  -> state; no ladder
    console                                               -> fds ["console"]: a stream socket,
                                                             first the ring (64 KiB), then live
    vnc                                                   -> fds ["vnc"]: an RFB stream socket
    screenshot                                            -> png (base64), width, height
    agent         command, arguments, timeout             -> answer (QEMU guest agent's `return`)
    qmp           command, arguments                      -> answer (QEMU's `return`)
    stats                                                 -> cpu, memory, balloon, blocks, nics
    subscribe     on: bool                                -> {}; events on this connection or not

Events: state (STATE), agent {connected}, io_error {volume, reason, operation}, guest_panic {},
log {level, message}, abi (GuestABI).

STATE: {"name": 'created' | 'building' | 'starting' | 'running' | 'paused' | 'stopping' | 'ended',
        "reason": paused: 'user' | 'io-error' | 'start-strategy' | 'watchdog' ...,
        "since": RFC 3339 time, "pid": QEMU's pid or null, "agent": bool,
        "ending": null | {"kind": ENDING, "code": int, "signal": int, "message": str,
                          "last_line": str}}
ENDING: 'guest-shutdown' (by itself or by the power button) | 'killed' (our ladder's last rungs)
        | 'crashed' (QEMU died by itself) | 'panicked' (guest panic) | 'failed' (never ran)
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import framing
from .errors import WireError

VERSIONS = (1,)
LINE_LIMIT = 8 * 1024 * 1024
QUEUE_LIMIT = 1000
QUEUE_BYTES = 2 * LINE_LIMIT
FDS_LIMIT = 32
CALLS_LIMIT = 32
HELLO_TIMEOUT = 10.0

_CHUNK = 64 * 1024


@dataclasses.dataclass(kw_only=True)
class Received:
    """One message and the descriptors that came with it, owned by whoever holds this."""

    message: dict[str, Any]
    fds: dict[str, int]

    def take(self) -> dict[str, int]:
        """Hand the descriptors over: the caller closes them."""
        fds, self.fds = self.fds, {}
        return fds

    def close(self) -> None:
        """Close the descriptors that nobody took."""
        framing.close_all(self.take().values())


class Stream:
    """One end of a connection: whole messages, with their descriptors, in and out.

    After a WireError the connection cannot be used any more: close it.
    """

    def __init__(
        self, sock: socket.socket, *, line_limit: int = LINE_LIMIT, fds_limit: int = FDS_LIMIT
    ) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._line_limit = line_limit
        self._fds_limit = fds_limit
        self._buffer = bytearray()
        self._fds: list[int] = []
        self._turn = asyncio.Lock()

    def end(self) -> None:
        """End the connection for both sides; who waits in `receive` sees it. `close` it then."""
        with contextlib.suppress(OSError):  # The peer may have been faster.
            self.sock.shutdown(socket.SHUT_RDWR)

    def end_input(self) -> None:
        """Read no more: who waits in `receive` sees the end of the connection."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """Close the socket and every descriptor that was not handed out.

        Nobody may be waiting in `receive` or `send`: the event loop knows sockets by number.
        """
        framing.close_all(self._fds)
        self._fds.clear()
        self.sock.close()

    async def receive(self) -> Received | None:
        """The next message, or None when the peer has closed between messages.

        Raises WireError when the peer breaks the rules or goes away in a message.
        """
        seen = 0
        while (end := self._buffer.find(b"\n", seen)) < 0:
            seen = len(self._buffer)
            if seen > self._line_limit:
                raise WireError(f"the peer sent a line longer than {self._line_limit} bytes")
            if not await self._fill():
                if self._buffer or self._fds:
                    raise WireError("the peer went away in a message")
                return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return self._claim(framing.decode(line))

    async def send(self, message: Mapping[str, Any], fds: Mapping[str, int] | None = None) -> None:
        """Send one message; the peer gets copies of `fds`, ours stay open.

        Raises WireError when it is too big or the peer is gone. Messages of several tasks do not
        mix; one that is cancelled half-way ends the connection.
        """
        fds = fds or {}
        data = framing.encode(message, tuple(fds))
        if len(data) > self._line_limit or len(fds) > self._fds_limit:
            raise WireError(
                f"a message of {len(data)} bytes with {len(fds)} descriptors is too big"
            )
        await self.send_line(data, fds.values())

    async def send_line(self, data: bytes, fds: Iterable[int] = ()) -> None:
        """`send` for a line that `framing.encode` has made."""
        async with self._turn:
            sent = await self._write(data, framing.rights(fds))
            try:
                while sent < len(data):
                    sent += await self._write(memoryview(data)[sent:], [])
            except BaseException:
                self.end()
                raise

    async def _write(
        self, data: bytes | memoryview, ancillary: list[tuple[int, int, bytes]]
    ) -> int:
        while True:
            try:
                return self.sock.sendmsg([data], ancillary)
            except BlockingIOError:
                await writable(self.sock)
            except OSError as error:
                raise WireError(f"the peer went away: {error.strerror}") from error

    async def _fill(self) -> bool:
        room = framing.rights_size(self._fds_limit)
        while True:
            try:
                got = self.sock.recvmsg(_CHUNK, room, socket.MSG_CMSG_CLOEXEC)
                break
            except BlockingIOError:
                await readable(self.sock)
            except OSError as error:
                raise WireError(f"the peer went away: {error.strerror}") from error
        data, ancillary, flags, _ = got
        self._fds += framing.arrived(ancillary)
        if flags & socket.MSG_CTRUNC or len(self._fds) > self._fds_limit:
            raise WireError(f"the peer sent more than {self._fds_limit} descriptors")
        self._buffer += data
        return bool(data)

    def _claim(self, message: dict[str, Any]) -> Received:
        # Descriptors arrive with their message's first byte, so they queue in messages' order; a
        # read may have brought those of the message after this one too.
        names = message.get("fds", [])
        count = len(names) if isinstance(names, list) else 0
        received = Received(message=message, fds=framing.claim(message, self._fds[:count]))
        del self._fds[:count]
        if self._fds and not self._buffer:
            received.close()
            raise WireError(f"{len(self._fds)} descriptors came without a name")
        return received


async def readable(sock: socket.socket) -> None:
    """Wait until `sock` has something to read, or its end."""
    loop = asyncio.get_running_loop()
    await _ready(sock, loop.add_reader, loop.remove_reader)


async def writable(sock: socket.socket) -> None:
    """Wait until `sock` takes bytes."""
    loop = asyncio.get_running_loop()
    await _ready(sock, loop.add_writer, loop.remove_writer)


async def _ready(
    sock: socket.socket, add: Callable[..., None], remove: Callable[[socket.socket], bool]
) -> None:
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    add(sock, _settle, ready)
    try:
        await ready
    finally:
        remove(sock)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
