"""Connections that come to a listener, and who is at their other end."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator

from ..value import Value

_BREATH = 0.1
_CREDENTIALS = struct.Struct("3i")

_log = logging.getLogger("virtlauncher.accepting")


class Peer(Value):
    pid: int
    """0: a process outside our pid namespace has no number in it."""
    uid: int


def peer_of(sock: socket.socket) -> Peer:
    """Who connected, from the kernel (SO_PEERCRED)."""
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    return Peer(pid=pid, uid=uid)


async def connections(listener: socket.socket) -> AsyncIterator[socket.socket]:
    """Every connection that comes, until cancelled. The caller owns it."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            sock, _ = await loop.sock_accept(listener)
        except OSError as error:  # E.g. out of descriptors: it may pass.
            _log.error("no connection can be accepted: %s", error)
            await asyncio.sleep(_BREATH)
            continue
        yield sock
