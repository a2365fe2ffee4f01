"""`kubemu delete`: the VM and everything that was kept of it."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer

from virtlauncher.errors import LauncherError

from .. import runner, say
from ..errors import NotFound, Unreachable
from ..folders import remove_home
from ..machines import Machine, find_machine
from ..names import parse_vm_name
from ..occupancy import find_launcher, hold, wait_gone
from ..processes import send_signal
from ..record import has_record
from ..stopping import stop
from ..world import World, observe_world
from .common import Name, Namespace

_KILLED = 10.0


def command(
    name: Name,
    namespace: Namespace = "",
    grace: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0, help="As for `stop`.")
    ] = None,
) -> None:
    """Stop the VM if it runs; remove its logs, its firmware variables and TPM state.

    Disks given with --volume are never touched.
    """
    world = observe_world()
    runner.run(_delete(name, namespace, grace, world))
    say.note(f"{parse_vm_name(name, namespace)}: deleted")


async def _delete(name: str, namespace: str, grace: float | None, world: World) -> None:
    vm = parse_vm_name(name, namespace)
    folders = world.folders.of(vm)
    try:
        machine = find_machine(name, namespace, world)
    except NotFound:
        if not has_record(folders.state):
            raise
    else:
        if machine.record.ending is None:
            await _stop(machine, grace)
    async with hold(vm, folders):
        leftover = find_launcher(folders, None)
        if leftover is not None:
            send_signal(leftover, signal.SIGKILL)
            await wait_gone(leftover, _KILLED)
        remove_home(folders.run)
        remove_home(folders.state)


async def _stop(machine: Machine, grace: float | None) -> None:
    """A launcher that is deaf is killed; QEMU goes with it."""
    limit = machine.record.grace if grace is None else grace
    try:
        async with asyncio.timeout(limit + 60):
            await stop(machine, grace)
    except (Unreachable, LauncherError, TimeoutError) as error:
        say.warn(f"{machine.vm} is killed: {error}")
        launcher = find_launcher(machine.folders, machine.record)
        if launcher is not None:
            send_signal(launcher, signal.SIGKILL)
            await wait_gone(launcher, _KILLED)
