"""The life of one machine: request, plan, launch, and the duties while QEMU lives."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from ..errors import LauncherError
from ..jsonable import to_jsonable
from ..value import Value
from . import kernel, launch, stopping
from .children import ChildEnded, Children
from .console import Broker
from .lifecycle import Act, Acted, Exited, PauseReason, Spawned, Started, Status
from .machine import Machine, Request
from .monitor import MonitorLost
from .planning import Builder

T = TypeVar("T")

_log = logging.getLogger("virtlauncher.life")
_EXIT_PATIENCE = 2.0
"""Seconds for QEMU to end after its monitor or a helper has: then they ended together."""
_HELPER_PATIENCE = 2.0
_NEVER_RAN = {PauseReason.START_STRATEGY, PauseReason.INCOMING}


class _Stopped(Exception):
    """Somebody wants the end before there was a beginning."""


class Setting(Value):
    """What a life needs."""

    children: Children
    builder: Builder
    console: Broker
    debug_listener: socket.socket
    start_timeout: float


async def lead(machine: Machine, setting: Setting) -> None:
    """From the request to the end; the machine's state says how it ended.

    Nothing that a guest or QEMU does raises here.
    """
    try:
        request = await _unless_stopped(machine, machine.requested)
        with request.descriptors:
            running = await _unless_stopped(machine, _begin(machine, request, setting))
    except _Stopped:
        machine.see(Acted(act=Act.KILL, why="it was asked to stop before it ran"))
        _end(machine, Exited(message="The machine was stopped before it ran."))
    except LauncherError as error:
        _end(machine, _failure(error), error)
    else:
        _end(machine, await _live(machine, running))
    finally:
        await setting.builder.close()
        setting.console.close()
        machine.leases.close()


async def _begin(machine: Machine, request: Request, setting: Setting) -> launch.Running:
    machine.see(Acted(act=Act.BUILD))
    machine.leases.claim(request.facts.nics, request.descriptors)
    facts = request.facts.to_json()
    plan = await setting.builder.plan(request.vmi, facts, request.descriptors)
    machine.agent_port = launch.agent_port(plan)
    for warning in plan.warnings:
        machine.note(logging.WARNING, warning)
    if not plan.log_serial:
        setting.console.log = None
    world = launch.World(
        children=setting.children,
        console=setting.console,
        debug_listener=setting.debug_listener,
        timeout=setting.start_timeout,
        on_spawn=lambda pid: machine.see(Spawned(pid=pid)),
        on_event=machine.on_event,
    )
    return await launch.launch(plan, request.descriptors, world)


async def _live(machine: Machine, running: launch.Running) -> Exited:
    machine.running = running
    machine.see(Started(paused=running.paused))
    machine.publish("abi", to_jsonable(running.plan.abi))
    machine.started.set_result(None)
    kernel.give_back()
    verdict = _Verdict()
    async with asyncio.TaskGroup() as duties:
        tasks = [
            duties.create_task(_on_duty(name, duty))
            for name, duty in {
                "watching the monitor": _watch_monitor(running, verdict),
                "watching helpers": _watch_helpers(running, verdict),
                "stopping": _go_down(machine, running),
                "asking for the state": _resolve_doubts(machine, running),
                "serving leases": machine.leases.serve(),
            }.items()
        ]
        exit_ = await asyncio.shield(running.process.exited)
        for task in tasks:
            task.cancel()
    await _tidy(running)
    return Exited(
        code=exit_.code,
        signal=exit_.signal,
        last_line=running.process.last_line,
        message=verdict.message,
    )


class _Verdict:
    """Why QEMU cannot be left running."""

    message = ""

    def condemn(self, running: launch.Running, message: str) -> None:
        _log.error("QEMU is killed: %s", message)
        self.message = message
        running.process.kill(signal.SIGKILL)


async def _on_duty(name: str, duty: Coroutine[Any, Any, None]) -> None:
    """Run a duty that ends quietly with QEMU, and whose other failures are its own."""
    try:
        await duty
    except ChildEnded:
        pass
    except Exception:
        _log.exception("%s failed", name)


async def _watch_monitor(running: launch.Running, verdict: _Verdict) -> None:
    """A QEMU that we cannot speak with, or not trust, must not go on."""
    await running.monitor.watch()
    await _unless_it_ended_too(running, verdict, str(running.monitor.lost.result()))


async def _watch_helpers(running: launch.Running, verdict: _Verdict) -> None:
    """A helper's end is QEMU's end."""
    if not running.helpers:
        return
    ends = {asyncio.shield(helper.exited) for helper in running.helpers}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    first = next(helper for helper in running.helpers if helper.exited.done())
    said = f": {first.last_line}" if first.last_line else ""
    text = f"its helper {first.name} ended ({first.exited.result()}){said}"
    await _unless_it_ended_too(running, verdict, text)


async def _unless_it_ended_too(running: launch.Running, verdict: _Verdict, message: str) -> None:
    with contextlib.suppress(TimeoutError):
        await running.process.race(asyncio.Event().wait(), _EXIT_PATIENCE)
    verdict.condemn(running, message)


async def _go_down(machine: Machine, running: launch.Running) -> None:
    """The stop ladder, once somebody wishes it."""
    wish = machine.stop_wish
    await wish.asked.wait()
    paused = machine.track.state.reason
    machine.see(Acted(act=Act.STOP))
    if paused in _NEVER_RAN:
        wish.ask(0)  # There is nothing in it that could be lost.
    try:
        if machine.track.rebooting:
            await _end_reboot(machine, running)
        if paused == PauseReason.USER and not wish.over:
            await running.monitor.execute("cont")  # It cannot hear the button standing still.
    except LauncherError as error:
        machine.note(logging.WARNING, f"the machine may not hear the power button: {error}")
    off = bool(machine.track.shutdown)
    if off or not await stopping.power_down(running.process, wish, lambda: _press(machine)):
        why = f"its grace period of {wish.grace:g} s is over"
        machine.see(Acted(act=Act.KILL, why=why if wish.grace else "it was asked to end at once"))
        await stopping.put_down(running.process, running.monitor)


async def _press(machine: Machine) -> None:
    running = machine.up()
    if running.plan.acpi:
        await machine.press_button()
    elif running.agent and machine.track.state.agent:
        await running.agent.call("guest-shutdown", {"mode": "powerdown"})


async def _resolve_doubts(machine: Machine, running: launch.Running) -> None:
    """Ask QEMU for what an event does not say, and bring a soft reboot to its end."""
    while True:
        try:
            if not await _doubtful(machine):
                await _insist(machine, running)
            elif machine.track.reset_due:
                await _end_reboot(machine, running)
            else:
                await _ask_status(machine, running)
        except MonitorLost:
            return
        except LauncherError as error:
            machine.note(logging.WARNING, str(error))


async def _doubtful(machine: Machine) -> bool:
    """Wait for a doubt; False when a guest that is to reboot has done nothing yet."""
    patience = stopping.BUTTON_INTERVAL if machine.track.rebooting else None
    try:
        async with asyncio.timeout(patience):
            await machine.doubt.wait()
    except TimeoutError:
        return False
    machine.doubt.clear()
    return True


async def _insist(machine: Machine, running: launch.Running) -> None:
    """A guest that is booting does not hear the button, and one that ignores it never will."""
    if asyncio.get_running_loop().time() < machine.reboot_deadline:
        await machine.press_button()
    else:
        await _end_reboot(machine, running)
        machine.note(logging.WARNING, "the guest did not obey the power button: no reboot")


async def _ask_status(machine: Machine, running: launch.Running) -> None:
    turns = machine.turns
    answer = await running.monitor.execute("query-status")
    if turns == machine.turns:
        machine.see(Status(status=str(answer["status"])))
    else:  # Events are handled as they are read, answers a moment later: this one is stale.
        machine.doubt.set()


async def _end_reboot(machine: Machine, running: launch.Running) -> None:
    """Power-off is power-off again; a guest that is off already is reset, unless it is to stop."""
    await running.monitor.execute("set-action", {"shutdown": "poweroff"})
    due = machine.track.reset_due and not machine.stop_wish.asked.is_set()
    machine.see(Acted(act=Act.REBOOT_OVER))
    if due:
        await running.monitor.execute("system_reset")
        await running.monitor.execute("cont")


async def _tidy(running: launch.Running) -> None:
    """Helpers, sockets, and the files that were made for this machine only."""
    for helper in running.helpers:
        await helper.end([signal.SIGTERM, signal.SIGKILL], _HELPER_PATIENCE)
    await running.monitor.close()
    if running.agent:
        running.agent.close()
    for path in (path for disk in running.plan.disks for path in disk.files):
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            _log.warning("%s is left behind: %s", path, error.strerror)


async def _unless_stopped(machine: Machine, awaitable: Awaitable[T]) -> T:
    """Wait for something, but not after somebody wishes the end."""
    task = asyncio.ensure_future(awaitable)
    wish = asyncio.ensure_future(machine.stop_wish.asked.wait())
    either: set[asyncio.Future[Any]] = {task, wish}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise _Stopped
    finally:
        for one in either:
            one.cancel()
        await asyncio.gather(*either, return_exceptions=True)


def _failure(error: LauncherError) -> Exited:
    if isinstance(error, launch.QemuFailed) and error.exit:
        return Exited(
            code=error.exit.code,
            signal=error.exit.signal,
            last_line=error.last_line,
            message=str(error),
        )
    return Exited(message=str(error))


def _end(machine: Machine, exited: Exited, error: LauncherError | None = None) -> None:
    machine.see(exited)
    if not machine.started.done():
        ending = machine.track.state.ending
        assert ending is not None
        machine.started.set_exception(error or LauncherError(ending.message))
        machine.started.exception()  # Whoever started it may be gone: then nobody asks.
