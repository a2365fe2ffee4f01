"""The guest's serial console on this terminal: raw while it lasts, given back however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import sys
from collections.abc import Callable

from virtlauncher.inside.terminal import ESCAPE, Left, raw_terminal

__all__ = ["Left", "has_keyboard", "is_interactive", "raw_terminal", "relay"]

_CHUNK = select.PIPE_BUF
"""A pipe that is ready takes this much without blocking."""


def is_interactive(fd: int) -> bool:
    return os.isatty(fd)


def has_keyboard() -> bool:
    """Whether somebody can type on standard input."""
    try:
        return is_interactive(sys.stdin.fileno())
    except (ValueError, OSError, AttributeError):
        return False  # Closed, or never there.


async def relay(console: socket.socket, keyboard: int | None, screen: int) -> Left:
    """Guest output to `screen`, keys to the guest, until either side is done.

    `keyboard` None: output only. A screen that is closed (a pipe to `head`) loses output, and the
    guest goes on.
    """
    console.setblocking(False)
    output = asyncio.create_task(_show(console, screen))
    tasks = {output}
    if keyboard is not None:
        tasks.add(asyncio.create_task(_type(console, keyboard)))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return output.result() if output in done else done.pop().result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _show(console: socket.socket, screen: int) -> Left:
    loop = asyncio.get_running_loop()
    open_screen = True
    while data := await _receive(loop, console):
        if open_screen:
            open_screen = await _write(screen, data)
    return Left.CLOSED


async def _type(console: socket.socket, keyboard: int) -> Left:
    loop = asyncio.get_running_loop()
    while True:
        await _ready(loop.add_reader, loop.remove_reader, keyboard)
        keys = os.read(keyboard, _CHUNK)
        before, escape, _ = keys.partition(ESCAPE)
        if before:
            with contextlib.suppress(ConnectionError):
                await loop.sock_sendall(console, before)
        if escape or not keys:
            return Left.DETACHED


async def _receive(loop: asyncio.AbstractEventLoop, console: socket.socket) -> bytes:
    try:
        return await loop.sock_recv(console, 65536)
    except ConnectionError:
        return b""


async def _write(screen: int, data: bytes) -> bool:
    """All of it, without ever blocking the loop; False when nobody reads any more."""
    loop = asyncio.get_running_loop()
    left = memoryview(data)
    try:
        while left:
            await _ready(loop.add_writer, loop.remove_writer, screen)
            left = left[os.write(screen, left[:_CHUNK]) :]
    except OSError:
        return False
    return True


async def _ready(add: Callable[..., None], remove: Callable[[int], bool], fd: int) -> None:
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    try:
        add(fd, _settle, ready)
    except PermissionError:
        return  # A regular file: epoll refuses it because it never blocks.
    try:
        await ready
    finally:
        remove(fd)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
