"""From a plan to a running QEMU: sockets, helpers, `-S`, greeting, checks, `cont`.

Whatever fails on the way ends in one error with QEMU's exit and its last line, and no process left.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import LauncherError, LaunchFailed
from ..plan import Plan
from ..value import Value
from .agent import Agent
from .children import Child, ChildEnded, Children, Exit
from .console import Broker
from .descriptors import Descriptors
from .lifecycle import PauseReason
from .monitor import Monitor
from .stats import balloon_device

_log = logging.getLogger("virtlauncher.launch")
_PAIRS = ("monitor", "serial0", "agent")
"""Descriptors that we keep the other half of."""
_PATIENCE = 5.0
_AGENT_CHANNEL = "org.qemu.guest_agent.0"
_STATUS_BEFORE_START = frozenset({"prelaunch", "inmigrate"})


class QemuFailed(LaunchFailed):
    """LaunchFailed with what the process left behind."""

    def __init__(
        self, message: str, *, exit_: Exit | None = None, last_line: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.exit = exit_
        self.last_line = last_line


class World(Value):
    """What a launch needs beside the plan."""

    children: Children
    console: Broker
    debug_listener: socket.socket
    timeout: float
    """Seconds for QEMU's greeting."""
    on_spawn: Callable[[int], None]
    on_event: Callable[[Mapping[str, Any]], None]


class Running(Value):
    """A QEMU that was let go, or stands still because the plan says so (`paused`)."""

    plan: Plan
    process: Child
    monitor: Monitor
    agent: Agent | None
    helpers: tuple[Child, ...]
    paused: PauseReason | None


async def launch(plan: Plan, descriptors: Descriptors, world: World) -> Running:
    """Start QEMU. `descriptors` are closed here once it has its own.

    Raises Refused for a plan that does not fit what came with it, LaunchFailed for a program that
    cannot be executed, and QemuFailed for everything that happens from there on.
    """
    with contextlib.ExitStack() as sockets:
        ours = _make_sockets(plan, descriptors, world, sockets)
        async with _processes(plan, descriptors, world) as (process, helpers):
            world.on_spawn(process.pid)
            if "serial0" in ours:
                world.console.connect(socket.socket(fileno=ours["serial0"].detach()))
            monitor = Monitor(process, world.on_event)
            try:
                await _go(plan, process, monitor, ours["monitor"], world.timeout)
            except BaseException:
                await monitor.close()
                raise
        sockets.pop_all()  # From here on the monitor and the agent own them.
    return Running(
        plan=plan,
        process=process,
        monitor=monitor,
        agent=Agent(ours["agent"]) if "agent" in ours else None,
        helpers=helpers,
        paused=_standing(plan),
    )


@contextlib.asynccontextmanager
async def _processes(
    plan: Plan, descriptors: Descriptors, world: World
) -> AsyncIterator[tuple[Child, tuple[Child, ...]]]:
    """QEMU and its helpers. When the body fails, they are killed and the error explained."""
    helpers: list[Child] = []
    process: Child | None = None
    try:
        for helper in plan.helpers:
            with descriptors.at_numbers(helper.descriptors) as numbers:
                helpers.append(
                    world.children.spawn(
                        helper.name, helper.argv, env=_environment({}), descriptors=numbers
                    )
                )
        with descriptors.at_numbers(plan.descriptors) as numbers:
            process = world.children.spawn(
                "qemu", plan.argv, env=_environment(plan.env), descriptors=numbers
            )
        descriptors.close()  # What only QEMU may hold open, it alone holds open now.
        yield process, tuple(helpers)
    except BaseException as error:
        for child in [*([process] if process else []), *helpers]:
            await child.end([signal.SIGKILL], _PATIENCE)
        if process and isinstance(error, LauncherError | ChildEnded | TimeoutError):
            raise _explained(error, process, helpers) from error
        raise


async def _go(
    plan: Plan, process: Child, monitor: Monitor, sock: socket.socket, within: float
) -> None:
    await monitor.connect(sock, within)
    status = (await monitor.execute("query-status"))["status"]
    if status not in _STATUS_BEFORE_START:
        raise LaunchFailed(f"QEMU began in state {status!r} instead of waiting for us")
    for nic in plan.nics:
        if nic.link == "down":  # The command line has no word for it.
            await monitor.execute("set_link", {"name": nic.device, "up": False})
    if plan.balloon_stats_period and (device := balloon_device(plan)):
        await monitor.execute(
            "qom-set",
            {
                "path": f"/machine/peripheral/{device}",
                "property": "guest-stats-polling-interval",
                "value": plan.balloon_stats_period,
            },
        )
    if _standing(plan) is None:
        await monitor.execute("cont")


def _standing(plan: Plan) -> PauseReason | None:
    if plan.incoming:
        return PauseReason.INCOMING
    return PauseReason.START_STRATEGY if plan.paused else None


def _make_sockets(
    plan: Plan, descriptors: Descriptors, world: World, sockets: contextlib.ExitStack
) -> dict[str, socket.socket]:
    """Add the descriptors that nobody else makes; returns our halves, owned by `sockets`."""
    ours = {}
    for name in {descriptor.name for descriptor in plan.descriptors}:
        if name in _PAIRS:
            half, theirs = socket.socketpair()
            ours[name] = sockets.enter_context(half)
            descriptors.add(name, theirs.detach())
        elif name == "debug-monitor":
            descriptors.add(name, os.dup(world.debug_listener.fileno()))
        elif f"{name}-peer" in _helper_names(plan):
            one, other = socket.socketpair()
            descriptors.add(name, one.detach())
            descriptors.add(f"{name}-peer", other.detach())
    if "monitor" not in ours:
        raise LaunchFailed("the plan has no monitor")
    return ours


def _helper_names(plan: Plan) -> set[str]:
    return {d.name for helper in plan.helpers for d in helper.descriptors}


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **more}


def _explained(error: Exception, process: Child, helpers: Sequence[Child]) -> QemuFailed:
    """One sentence: what was awaited, how QEMU ended, what it said last."""
    ended = process.exited.result()
    said = f": {process.last_line}" if process.last_line else ""
    match error:
        case ChildEnded():
            text = f"QEMU ended before the guest started ({ended}){said}"
        case TimeoutError():
            text = f"QEMU did not greet in time and was killed{said}"
        case _:
            text = f"QEMU did not start and was killed: {error}"
    words = [f"{child.name} said: {child.last_line}" for child in helpers if child.last_line]
    return QemuFailed(text, exit_=ended, last_line=process.last_line, hint="; ".join(words))


def agent_port(plan: Plan) -> str:
    """The id of the guest agent's port, by which QEMU's events name it; empty without one."""
    return next(
        (
            str(device.get("id", ""))
            for device in _json_devices(plan)
            if device.get("name") == _AGENT_CHANNEL
        ),
        "",
    )


def _json_devices(plan: Plan) -> Iterator[Mapping[str, Any]]:
    for option, value in zip(plan.argv, plan.argv[1:], strict=False):
        if option == "-device" and value.startswith("{"):
            yield json.loads(value)
