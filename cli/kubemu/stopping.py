"""Stopping a VM from outside its terminal, and knowing how it ended."""

from __future__ import annotations

from . import endings
from .machines import Machine
from .occupancy import find_launcher, hold, note_ending, wait_gone
from .record import Ending, find_record

_BEYOND_GRACE = 30.0
"""Seconds for `quit`, SIGTERM and SIGKILL, which follow when the grace period is over."""


async def stop(machine: Machine, grace: float | None) -> Ending:
    """Powers it down within `grace` seconds (the manifest's when None); waits for the end.

    Raises NotFound when it does not run, Unreachable when its launcher is deaf.
    """
    seconds = float(machine.record.grace) if grace is None else grace
    launcher = find_launcher(machine.folders, machine.record)
    ending = None
    async with machine.connected() as client:
        await client.call("shutdown", {"grace": seconds})
        async for event in client.events():
            if event.name == "state":
                ending = endings.from_state(event.data) or ending
    if launcher is not None:
        await wait_gone(launcher, _BEYOND_GRACE)
    async with hold(machine.vm, machine.folders):
        if launcher is not None:
            found = ending or endings.from_remains(machine.folders)
            note_ending(machine.folders, launcher, found)
        record = find_record(machine.folders.state)
    noted = record.ending if record is not None else None
    return noted or ending or endings.from_remains(machine.folders)
