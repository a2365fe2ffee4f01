"""Sockets that others connect to, each connection joined to one that the launcher hands out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from virtlauncher.errors import LauncherError

from . import say
from .tasks import task_group

_CHUNK = 65536
_BACKLOG = 8

Dial = Callable[[], Awaitable[socket.socket]]


@contextlib.contextmanager
def listen_on_path(path: Path) -> Iterator[socket.socket]:
    """A unix socket for us alone, gone in the end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        try:
            path.chmod(0o600)
            listener.listen(_BACKLOG)
            yield listener
        finally:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def listen_on_port(address: str, port: int) -> Iterator[socket.socket]:
    """A TCP socket. Raises OSError when the port is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
        yield listener


async def serve(listener: socket.socket, dial: Dial) -> None:
    """Joins every connection to a dialled one, until cancelled."""
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    async with task_group() as tasks:
        while True:
            connection, _ = await loop.sock_accept(listener)
            tasks.create_task(_join(connection, dial))


async def _join(connection: socket.socket, dial: Dial) -> None:
    """One connection's life; its failure is its own."""
    with connection:
        try:
            other = await dial()
        except LauncherError as error:
            say.warn(f"a viewer is turned away: {error}")
            return
        with other:
            for one in (connection, other):
                one.setblocking(False)
            async with task_group() as tasks:
                tasks.create_task(_pump(connection, other))
                tasks.create_task(_pump(other, connection))


async def _pump(source: socket.socket, target: socket.socket) -> None:
    """Bytes one way until either end is gone; the end is passed on."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while data := await loop.sock_recv(source, _CHUNK):
            await loop.sock_sendall(target, data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def path_for(folder: Path, name: str) -> Path:
    """A socket's path that no other kubemu uses now."""
    return folder / f"{name}-{os.getpid()}.sock"
