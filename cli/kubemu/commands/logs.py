"""`kubemu logs`: what the launcher did, or what the guest's console showed."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from .. import say
from ..endings import parse_entry, render_entry
from ..machines import Machine, find_machine
from ..occupancy import CONSOLE_LOG, CONSOLE_LOG_BEFORE, find_launcher
from ..tail import lines, tail
from ..world import observe_world
from .common import Name, Namespace


def command(
    name: Name,
    namespace: Namespace = "",
    console: Annotated[
        bool, typer.Option("--console", "-c", help="The serial console instead of the launcher.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the VM has ended.")
    ] = False,
) -> None:
    """Show the log of the VM's launcher (with QEMU's own words), or that of its console.

    Of a console, the newest few MB are kept; both logs stay until `kubemu delete`.
    """
    machine = find_machine(name, namespace, observe_world())
    if console:
        for chunk in _console(machine, follow):
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
        return
    for line in lines(_read(machine.folders.launcher_log, machine, follow)):
        if line.strip():
            say.result(render_entry(parse_entry(line)))
            sys.stdout.flush()


def _console(machine: Machine, follow: bool) -> Iterator[bytes]:
    running = machine.record.ending is None
    folder = machine.folders.run if running else machine.folders.state
    return itertools.chain(
        tail(folder / CONSOLE_LOG_BEFORE, lambda: False),
        _read(folder / CONSOLE_LOG, machine, follow),
    )


def _read(path: Path, machine: Machine, follow: bool) -> Iterator[bytes]:
    return tail(path, lambda: follow and find_launcher(machine.folders, machine.record) is not None)
