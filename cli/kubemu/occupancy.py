"""Is a VM of that name there already? What a crash left behind never is in the way."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import shutil
import signal
from collections.abc import AsyncIterator

from virtlauncher.errors import LauncherError

from . import endings, say
from .errors import Busy, Unreachable
from .folders import VmFolders, remove_home, remove_tree
from .launcher import connect, find_listener
from .locks import lock, try_lock
from .names import VmName
from .processes import Identity, send_signal
from .record import Ending, Record, find_record, has_record, save_record

_LOCK_PATIENCE = 3.0
_ANSWER_PATIENCE = 5.0
_AFTER_GRACE = 20.0
"""Seconds that a launcher may take beyond the guest's grace period."""
CONSOLE_LOG, CONSOLE_LOG_BEFORE = "console.log", "console.log.1"
"""The newest of what the guest wrote, and what was before it."""


@contextlib.asynccontextmanager
async def hold(vm: VmName, folders: VmFolders) -> AsyncIterator[None]:
    """Keeps other kubemus from changing this VM's folders. Raises Busy.

    A folder that has no record in the end is removed: a refused start leaves nothing.
    """
    async with contextlib.AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(_LOCK_PATIENCE):
                await stack.enter_async_context(lock(folders.state))
        except TimeoutError as error:
            raise Busy(f"another kubemu is starting or removing {vm}") from error
        try:
            yield
        finally:
            if not has_record(folders.state) and find_launcher(folders, None) is None:
                remove_home(folders.run)
                remove_home(folders.state)


def find_launcher(folders: VmFolders, record: Record | None) -> Identity | None:
    """The VM's living launcher, noted down or not."""
    if record is not None and record.launcher is not None and record.launcher.alive():
        return record.launcher
    return find_listener(folders)


async def make_room(vm: VmName, folders: VmFolders) -> Record | None:
    """Before a start, under the lock: the record of the last run, whose remains are gone.

    Raises Busy when the VM runs. One that runs only because its kubemu was killed is powered
    down; a launcher that has nothing to run is ended.
    """
    record = find_record(folders.state)
    launcher = find_launcher(folders, record)
    if launcher is not None:
        await _end_leftover(vm, folders, record, launcher)
    if record is not None and record.ending is None:
        record = save_record(folders.state, ended(record, endings.from_remains(folders)))
    clear(folders)
    return record


async def _end_leftover(
    vm: VmName, folders: VmFolders, record: Record | None, launcher: Identity
) -> None:
    orphan = record is not None and record.driver is not None and not record.driver.alive()
    try:
        async with connect(folders, _ANSWER_PATIENCE) as client:
            if client.state.get("name") == "created":
                await client.call("kill")
            elif orphan and record is not None:
                say.note(f"{vm} was left running by a kubemu that was killed: powering it down")
                await client.call("shutdown", {"grace": record.grace})
            elif client.state.get("name") != "ended":
                raise Busy(
                    f"{vm} runs already",
                    hint=f"kubemu console {vm}, kubemu stop {vm}, or run it with another --name",
                )
    except (Unreachable, LauncherError) as error:
        if launcher.alive():
            raise Busy(
                f"{vm} has a launcher that does not answer (pid {launcher.pid}): {error}",
                hint=f"kubemu delete {vm}",
            ) from error
    await wait_gone(launcher, (record.grace if record else 0) + _AFTER_GRACE)


async def wait_gone(who: Identity, within: float) -> None:
    """Waits for a process that need not be our child. SIGKILL when it takes too long."""
    try:
        handle = os.pidfd_open(who.pid)
    except ProcessLookupError:
        return
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, gone.set)
    try:
        if not who.alive():
            return
        try:
            async with asyncio.timeout(within):
                await gone.wait()
        except TimeoutError:
            send_signal(who, signal.SIGKILL)
            await gone.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def ended(record: Record, ending: Ending) -> Record:
    """The record of a VM that has ended so."""
    return dataclasses.replace(record, ending=ending, driver=None)


def note_ending(folders: VmFolders, launcher: Identity, ending: Ending) -> None:
    """Under the lock: writes down how that launcher's VM ended, unless it was deleted meanwhile."""
    record = find_record(folders.state)
    if record is not None and record.launcher == launcher and record.ending is None:
        save_record(folders.state, ended(record, ending))
        clear(folders)


def sweep(folders: VmFolders, record: Record) -> Record:
    """Notes the end of a VM whose launcher is gone, unless another kubemu is at it."""
    with try_lock(folders.state) as held:
        current = find_record(folders.state)
        if not held or current != record or find_launcher(folders, record) is not None:
            return current or record
        swept = save_record(folders.state, ended(record, endings.from_remains(folders)))
        clear(folders)
        return swept


def clear(folders: VmFolders) -> None:
    """Removes what a run made: sockets, seeds, secrets, overlays. Logs are kept for `logs`."""
    for name in (CONSOLE_LOG, CONSOLE_LOG_BEFORE):
        with contextlib.suppress(FileNotFoundError):
            shutil.move(folders.run / name, folders.state / name)
    remove_home(folders.run)
    remove_tree(folders.disks)
