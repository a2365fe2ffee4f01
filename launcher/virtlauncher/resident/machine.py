"""One virtual machine as its drivers know it: the state, and what can be asked of it.

`lifecycle.step` says what the state is; here it gets what was seen and done, and everybody who
listens is told what changed. `life` leads the machine from the request to its end.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import NotNow
from ..facts import Facts
from ..value import Value
from . import launch, stats, stopping
from .descriptors import Descriptors
from .io_errors import IoErrors
from .leases import Leases
from .lifecycle import Act, Acted, AgentPort, Event, Seen, StateName, created, step
from .log import now

Publish = Callable[[str, Mapping[str, Any]], None]
"""Tells drivers about an event of the wire protocol: its name and data."""

REBOOT_PATIENCE = 180.0
"""Seconds for a guest to obey the power button in a soft reboot: services may stop slowly."""

_log = logging.getLogger("virtlauncher.machine")


class Request(Value):
    """What `start` asks for. The descriptors are the machine's."""

    vmi: Mapping[str, Any]
    facts: Facts
    descriptors: Descriptors


class Machine:
    """States, in order: created, building, starting, running or paused, stopping, ended."""

    def __init__(self, publish: Publish) -> None:
        self.track = created(now(time.time()))
        self.stop_wish = stopping.Wish()
        self.running: launch.Running | None = None
        self.taps: Mapping[str, str] = {}
        """Interface behind each NIC that is a tap."""
        self.leases = Leases()
        """What the guest is told of its addresses, and the sockets on which it asks."""
        self.agent_port = ""
        """Id of the guest agent's port in QEMU's events."""
        self.requested: asyncio.Future[Request] = asyncio.get_running_loop().create_future()
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.doubt = asyncio.Event()
        """Set when only QEMU can say what the state is."""
        self.reboot_deadline = 0.0
        """Loop time at which a soft reboot is given up."""
        self.turns = 0
        """How often the CPUs were seen to stop or go on: an answer to query-status may be older."""
        self.publish = publish
        self._io_errors = IoErrors()

    # What drivers ask for

    async def start(self, request: Request) -> None:
        """Accept the request and wait until the machine runs. Raises why it does not."""
        if self.requested.done() or self.stop_wish.asked.is_set():
            raise NotNow(f"a machine was started already: it is {self.track.state.name}")
        self.taps = {
            name: stats.tap_name(number)
            for name, nic in request.facts.nics.items()
            if nic.fds and (number := request.descriptors.get(nic.fds[0])) is not None
        }
        self.requested.set_result(request)
        await asyncio.shield(self.started)

    def stop(self, grace: float | None = None) -> None:
        """Go down within `grace` seconds; the plan's grace period when None."""
        if grace is None:
            grace = self.running.plan.grace if self.running else 0
        self.stop_wish.ask(grace)

    def kill(self) -> None:
        """End QEMU at once."""
        self.see(Acted(act=Act.KILL, why="somebody asked to kill it"))
        self.stop_wish.ask(0)
        if self.running:
            self.running.process.kill(signal.SIGKILL)

    def up(self) -> launch.Running:
        """The running QEMU. Raises NotNow when there is none."""
        if self.running is None or not self.track.state.name.has_qemu:
            raise NotNow(f"there is no running machine: it is {self.track.state.name}")
        return self.running

    async def pause(self) -> None:
        running = self._free_to_run()
        self.see(Acted(act=Act.PAUSE))
        await running.monitor.execute("stop")

    async def resume(self) -> None:
        await self._free_to_run().monitor.execute("cont")

    async def reset(self) -> None:
        await self._free_to_run().monitor.execute("system_reset")

    async def press_button(self) -> None:
        await self.up().monitor.execute("system_powerdown")

    async def soft_reboot(self) -> str:
        """Restart the guest from inside: 'agent' or 'acpi', whichever it was asked by."""
        running = self._free_to_run()
        if running.agent and self.track.state.agent:
            await running.agent.call("guest-shutdown", {"mode": "reboot"})
            return "agent"
        if not running.plan.acpi:
            raise NotNow("the VM has neither a connected guest agent nor the ACPI feature")
        if self.track.rebooting:
            raise NotNow("a soft reboot is under way")
        # The guest can only be asked to power off; QEMU must not end then, but stop and wait.
        await running.monitor.execute("set-action", {"shutdown": "pause"})
        self.reboot_deadline = asyncio.get_running_loop().time() + REBOOT_PATIENCE
        self.see(Acted(act=Act.REBOOT))
        await self.press_button()
        return "acpi"

    def _free_to_run(self) -> launch.Running:
        if self.track.state.name is StateName.STOPPING:
            raise NotNow("the machine is stopping")
        return self.up()

    # What is seen

    def see(self, seen: Seen) -> None:
        """Take in one fact; publish the state when it has changed."""
        before, self.track = self.track, step(self.track, seen, now(time.time()))
        if self.track.state != before.state:
            self.publish("state", self.track.state.to_json())
        if (self.track.state.name, self.track.state.reason) != (
            before.state.name,
            before.state.reason,
        ):
            _log.info(" ".join(filter(None, (self.track.state.name, self.track.state.reason))))
        if self.track.rebooting != before.rebooting or self.track.reset_due:
            self.doubt.set()

    def on_event(self, message: Mapping[str, Any]) -> None:
        """Take in one of QEMU's events."""
        data = message.get("data")
        event = Event(name=str(message["event"]), data=data if isinstance(data, Mapping) else {})
        match event.name:
            case "VSERPORT_CHANGE" if event.data.get("id") == self.agent_port:
                is_open = event.data.get("open") is True
                self.see(AgentPort(open=is_open))
                self.publish("agent", {"connected": is_open})
            case "BLOCK_IO_ERROR" if self.running:
                report = self._io_errors.report(self.running.plan, event.data, time.monotonic())
                if report:
                    self.publish("io_error", report)
            case "GUEST_PANICKED":
                self.publish("guest_panic", {})
            case "STOP":
                self.turns += 1
                self.doubt.set()
            case "RESUME":
                self.turns += 1
            case _:
                pass
        self.see(event)

    def note(self, level: int, text: str) -> None:
        """Say something in the log and to drivers."""
        _log.log(level, "%s", text)
        name = logging.getLevelName(level).lower()
        self.publish("log", {"level": name, "message": text})
