"""How a message becomes bytes on a unix stream socket: one JSON object a line, descriptors beside.

The names of a message's descriptors are in its `fds`; the descriptors themselves ride on the
message's first byte (SCM_RIGHTS, close-on-exec on arrival). Pure functions, and a blocking `send`
and `receive` for links where each side speaks in turn, as builder and resident do.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .errors import WireError

LINE_LIMIT = 16 * 1024 * 1024
"""Bytes of one line between builder and resident: twice a driver's, a plan repeats some of it."""
FDS_LIMIT = 253
"""The kernel's own bound for one message (SCM_MAX_FD); the drivers' protocol has a lower one."""
_CHUNK = 256 * 1024
_PATH_LIMIT = 107
"""Bytes of sun_path without the final NUL."""


def encode(message: Mapping[str, Any], names: Sequence[str] = ()) -> bytes:
    """One line, newline included; *names* becomes `fds` when there are any."""
    tree = {**message, "fds": list(names)} if names else dict(message)
    return json.dumps(tree, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The inverse of `encode` (`fds` still in it). WireError for anything but a JSON object."""
    try:
        tree = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WireError("the peer sent a line that is not JSON") from error
    if not isinstance(tree, dict):
        raise WireError("the peer sent a line that is no JSON object")
    return tree


def rights(fds: Iterable[int]) -> list[tuple[int, int, bytes]]:
    """Ancillary data for `sendmsg` of a message's first bytes; empty without descriptors."""
    numbers = array.array("i", fds)
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers.tobytes())] if numbers else []


def rights_size(limit: int = FDS_LIMIT) -> int:
    """The `recvmsg` buffer that holds *limit* descriptors."""
    return socket.CMSG_SPACE(limit * array.array("i").itemsize)


def arrived(ancillary: Iterable[tuple[int, int, bytes]]) -> list[int]:
    """Descriptors out of `recvmsg`'s ancillary data, in order. The caller owns them now."""
    numbers = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
    return list(numbers)


def claim(message: dict[str, Any], numbers: Sequence[int]) -> dict[str, int]:
    """Give each arrived descriptor its name from the message's `fds`, which is taken out of it.

    WireError when names and descriptors do not match one to one; nothing is closed here.
    """
    names = message.pop("fds", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise WireError("'fds' is not a list of names")
    if len(names) != len(numbers) or len(set(names)) != len(names):
        raise WireError(f"{len(numbers)} descriptors came for {len(names)} names")
    return dict(zip(names, numbers, strict=True))


def close_all(numbers: Iterable[int]) -> None:
    """Close descriptors that nobody claimed."""
    for number in numbers:
        os.close(number)


def send(
    sock: socket.socket, message: Mapping[str, Any], fds: Mapping[str, int] | None = None
) -> None:
    """Send one message over a blocking socket. *fds* stay open here: the peer gets copies.

    WireError when there are more descriptors than one message carries; OSError when the peer
    is gone.
    """
    fds = fds or {}
    if len(fds) > FDS_LIMIT:
        raise WireError(f"{len(fds)} descriptors do not fit in one message (limit {FDS_LIMIT})")
    line = encode(message, tuple(fds))
    sent = sock.sendmsg([line], rights(fds.values()))
    if sent < len(line):  # A peer that has it all may be gone, and even an empty write would fail.
        sock.sendall(memoryview(line)[sent:])


def receive(
    sock: socket.socket, *, line_limit: int = LINE_LIMIT, fds_limit: int = FDS_LIMIT
) -> tuple[dict[str, Any], dict[str, int]]:
    """Receive one message from a blocking socket, and the descriptors that came with it.

    The peer speaks in turn, so bytes after the line are an error. EOFError when the peer closed
    before the first byte, WireError for anything else that is not one whole message; descriptors
    that came with it are closed then.
    """
    numbers: list[int] = []
    try:
        line = _receive_line(sock, numbers, line_limit, fds_limit)
        message = decode(line)
        return message, claim(message, numbers)
    except BaseException:
        close_all(numbers)
        raise


def _receive_line(
    sock: socket.socket, numbers: list[int], line_limit: int, fds_limit: int
) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        data, ancillary, flags, _ = sock.recvmsg(
            _CHUNK, rights_size(fds_limit), socket.MSG_CMSG_CLOEXEC
        )
        came = arrived(ancillary)
        numbers += came
        if flags & socket.MSG_CTRUNC:
            raise WireError(f"the peer sent more than {fds_limit} descriptors with one message")
        if came and line:
            raise WireError("descriptors came in the middle of a message")
        if not data:
            raise WireError("the peer went away in a message") if line else EOFError
        line += data
        if len(line) > line_limit:
            raise WireError(f"the peer sent a line longer than {line_limit} bytes")
        if b"\n" in data[:-1]:
            raise WireError("the peer sent more than one message")
    return bytes(line)


@contextlib.contextmanager
def reachable(path: str) -> Iterator[str]:
    """A name of the socket `path` that fits in a socket address: 107 bytes, as long as this lasts.

    A longer path goes through a descriptor of its folder.
    """
    if len(os.fsencode(path)) <= _PATH_LIMIT:
        yield path
        return
    parent, name = os.path.split(path)
    folder = os.open(parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{name}"
    finally:
        os.close(folder)
