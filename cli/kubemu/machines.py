"""VMs that exist: found by name, looked at, spoken with. The way in for every command but `run`."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import difflib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from virtlauncher.client import Client
from virtlauncher.errors import LauncherError

from .errors import NotFound, Unreachable
from .folders import VmFolders
from .launcher import connect
from .names import VmName, parse_vm_name
from .occupancy import find_launcher, sweep
from .record import Record, find_record
from .world import World

_LOOK_PATIENCE = 3.0
"""Seconds for a launcher to say how its machine is."""
_SUCCEEDED = "guest-shutdown"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Machine:
    """A VM with a record."""

    vm: VmName
    folders: VmFolders
    record: Record

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[Client]:
        """Its launcher. Raises NotFound when it does not run, Unreachable when it is deaf."""
        if self.record.ending is not None:
            raise NotFound(
                f"{self.vm} does not run: {self.record.ending.message}",
                hint=f"kubemu run {self.record.source}",
            )
        async with connect(self.folders) as client:
            yield client


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look:
    """How a VM is, in KubeVirt's words for phases."""

    phase: str
    reason: str = ""
    state: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def find_machine(name: str, namespace: str, world: World) -> Machine:
    """Raises NotFound, with the nearest name there is."""
    vm = parse_vm_name(name, namespace)
    folders = world.folders.of(vm)
    record = find_record(folders.state)
    if record is None:
        near = difflib.get_close_matches(str(vm), map(str, world.folders.names()), n=1)
        hint = f"did you mean {near[0]}?" if near else "`kubemu ps` lists the VMs"
        raise NotFound(f"there is no VM {vm}", hint=hint)
    return _current(vm, folders, record)


def all_machines(world: World) -> list[Machine]:
    """Every VM with a record, sorted by name."""
    found = []
    for vm in world.folders.names():
        folders = world.folders.of(vm)
        record = find_record(folders.state)
        if record is not None:
            found.append(_current(vm, folders, record))
    return found


async def look_at(machine: Machine) -> Look:
    """Asks the launcher; never raises for one that does not answer."""
    ending = machine.record.ending
    if ending is not None:
        phase = "Succeeded" if ending.kind == _SUCCEEDED else "Failed"
        return Look(phase=phase, reason=ending.message)
    try:
        async with connect(machine.folders, _LOOK_PATIENCE) as client:
            state = client.state
    except (Unreachable, LauncherError) as error:
        return Look(phase="Unknown", reason=str(error))
    phase = {"created": "Pending", "building": "Scheduled", "starting": "Scheduled"}.get(
        str(state.get("name")), str(state.get("name")).capitalize()
    )
    return Look(phase=phase, reason=str(state.get("reason", "")), state=state)


async def look_at_all(machines: list[Machine]) -> list[Look]:
    return await asyncio.gather(*(look_at(machine) for machine in machines))


def _current(vm: VmName, folders: VmFolders, record: Record) -> Machine:
    """With the end of a VM that ended unwatched noted down."""
    if record.ending is None and find_launcher(folders, record) is None:
        record = sweep(folders, record)
    return Machine(vm=vm, folders=folders, record=record)
