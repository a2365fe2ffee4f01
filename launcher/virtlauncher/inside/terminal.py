"""A terminal as the guest's serial console, without an event loop."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import termios
import tty
from collections.abc import Iterator
from enum import StrEnum

ESCAPE = b"\x1d"
"""Ctrl+]"""
_CHUNK = 64 * 1024
_TYPED_LIMIT = 64 * 1024
"""Bytes typed ahead for a guest that does not read; more are lost."""


class Left(StrEnum):
    """Why a console session ended."""

    DETACHED = "detached"
    """The person typed the escape."""
    CLOSED = "closed"
    """The guest's end is gone."""


@contextlib.contextmanager
def raw_terminal(fd: int) -> Iterator[None]:
    """Every key goes to the guest, Ctrl+C too. Nothing happens when `fd` is no terminal.

    Output keeps its line ends, because our own status lines appear between the guest's.
    """
    if not os.isatty(fd):
        yield
        return
    before = termios.tcgetattr(fd)
    try:
        tty.setraw(fd, termios.TCSADRAIN)
        mode = termios.tcgetattr(fd)
        mode[1] |= termios.OPOST | termios.ONLCR
        termios.tcsetattr(fd, termios.TCSADRAIN, mode)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def relay(guest: socket.socket, keyboard: int | None, screen: int) -> Left:
    """Guest output to `screen`, keys to the guest, until either side is done.

    `keyboard` None: output only. Raises BrokenPipeError when nobody reads `screen`.
    """
    guest.setblocking(False)
    typed = bytearray()
    poll = select.poll()
    if keyboard is not None:
        poll.register(keyboard, select.POLLIN)
    while True:
        poll.register(guest, select.POLLIN | (select.POLLOUT if typed else 0))
        for fd, ready in poll.poll():
            if fd == keyboard:
                if _read_keys(fd, typed):
                    return Left.DETACHED
            elif ready & ~select.POLLOUT and not _show(guest, screen):
                return Left.CLOSED
        with contextlib.suppress(BlockingIOError, ConnectionError):
            del typed[: guest.send(typed) if typed else 0]


def _read_keys(keyboard: int, typed: bytearray) -> bool:
    """Take in keys; True for the escape, or the end of the keyboard."""
    try:
        keys = os.read(keyboard, _CHUNK)
    except OSError:  # The terminal was taken away.
        return True
    before, escape, _ = keys.partition(ESCAPE)
    typed += before[: _TYPED_LIMIT - len(typed)]
    return bool(escape) or not keys


def _show(guest: socket.socket, screen: int) -> bool:
    """Pass on what the guest wrote; False at its end."""
    try:
        data = memoryview(guest.recv(_CHUNK))
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    shown = data
    while shown:
        shown = shown[os.write(screen, shown) :]
    return bool(data)
