"""`kubemu console`: this terminal becomes the guest's serial console."""

from __future__ import annotations

import contextlib
import socket
import sys

import typer

from .. import runner, say, terminal
from ..exits import Exit
from ..machines import Machine, find_machine
from ..world import observe_world
from .common import Name, Namespace


def command(name: Name, namespace: Namespace = "") -> None:
    """Connect the serial console: what the guest wrote last, then what it writes.

    Ctrl+] leaves it. Without a terminal on standard input, only the output is shown.
    """
    machine = find_machine(name, namespace, observe_world())
    left = runner.run(_attach(machine))
    if left is terminal.Left.CLOSED:
        say.note(f"{machine.vm}: the console is closed")
    else:
        say.note(f"\nleft {machine.vm}; it goes on")
    raise typer.Exit(Exit.OK)


async def _attach(machine: Machine) -> terminal.Left:
    async with machine.connected() as client:
        reply = await client.call("console")
    keyboard = sys.stdin.fileno() if terminal.has_keyboard() else None
    with contextlib.ExitStack() as stack:
        console = stack.enter_context(socket.socket(fileno=reply.fds["console"]))
        if keyboard is not None:
            say.note(f"connected to {machine.vm}; Ctrl+] leaves")
            stack.enter_context(terminal.raw_terminal(keyboard))
        return await terminal.relay(console, keyboard, sys.stdout.fileno())
