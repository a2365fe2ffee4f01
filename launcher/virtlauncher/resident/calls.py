"""The calls of the wire protocol: arguments checked, the machine asked, the answer put in JSON."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..errors import NotNow, Refused
from ..facts import Facts
from ..jsonable import to_jsonable
from ..value import Value
from . import agent, screen, stats
from .children import ChildEnded
from .console import Broker
from .descriptors import Descriptors
from .machine import Machine, Request
from .monitor import COMMAND_TIMEOUT

_log = logging.getLogger("virtlauncher.calls")
_GRACE_LIMIT = 7 * 24 * 3600
_TIMEOUT_LIMIT = 600


class Answer(Value):
    result: Mapping[str, Any]
    fds: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Descriptors for the caller: closed here once they are sent."""


class Calls(Value):
    """Does calls. One object serves every connection."""

    machine: Machine
    console: Broker
    run_dir: str
    disk_dir: str
    """What `facts` leaves empty of these, it gets from here."""
    identify: Callable[[Mapping[str, Any]], None]
    """Told which VMI is to run."""

    async def start(self, arguments: Mapping[str, Any], fds: Mapping[str, int]) -> Answer:
        """The one call that takes descriptors: they are ours from here on."""
        descriptors = Descriptors()
        descriptors.update(fds)
        try:
            vmi = _of(dict, arguments, "vmi")
            request = Request(vmi=vmi, facts=self._facts(arguments), descriptors=descriptors)
            self.identify(vmi)
            await self.machine.start(request)
        except (Refused, NotNow):
            descriptors.close()
            raise
        return Answer(result=self._description())

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Answer:
        """Any other call. Raises LauncherError, Refused for a name or argument that is wrong."""
        method = self._methods().get(name)
        if method is None:
            raise Refused(f"this launcher has no call {name!r}")
        try:
            return await method(arguments)
        except ChildEnded as ended:
            raise NotNow(str(ended)) from ended

    def _methods(self) -> Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Answer]]]:
        machine = self.machine
        return {
            "status": self._status,
            "pause": self._changing(machine.pause),
            "resume": self._changing(machine.resume),
            "reset": self._changing(machine.reset),
            "power_button": self._changing(machine.press_button),
            "soft_reboot": self._soft_reboot,
            "shutdown": self._shutdown,
            "kill": self._kill,
            "console": self._console,
            "vnc": self._vnc,
            "screenshot": self._screenshot,
            "agent": self._agent,
            "qmp": self._qmp,
            "stats": self._stats,
        }

    def _changing(
        self, change: Callable[[], Awaitable[None]]
    ) -> Callable[[Mapping[str, Any]], Awaitable[Answer]]:
        async def call(_: Mapping[str, Any]) -> Answer:
            await change()
            return self._state()

        return call

    def _state(self) -> Answer:
        return Answer(result={"state": self.machine.track.state.to_json()})

    def _description(self) -> dict[str, Any]:
        running = self.machine.running
        plan = running.plan if running else None
        return {
            "state": self.machine.track.state.to_json(),
            "disks": to_jsonable(plan.disks) if plan else [],
            "nics": to_jsonable(plan.nics) if plan else [],
            "abi": to_jsonable(plan.abi) if plan else None,
        }

    async def _status(self, _: Mapping[str, Any]) -> Answer:
        running = self.machine.running
        argv = list(running.plan.argv) if running else []
        return Answer(result={**self._description(), "argv": argv})

    async def _soft_reboot(self, _: Mapping[str, Any]) -> Answer:
        return Answer(result={"by": await self.machine.soft_reboot()})

    async def _shutdown(self, arguments: Mapping[str, Any]) -> Answer:
        self.machine.stop(_number(arguments, "grace", None, _GRACE_LIMIT))
        return self._state()

    async def _kill(self, _: Mapping[str, Any]) -> Answer:
        self.machine.kill()
        return self._state()

    async def _console(self, _: Mapping[str, Any]) -> Answer:
        running = self.machine.running
        if running and not running.plan.serial:
            raise NotNow("the VM has no serial console (autoattachSerialConsole is false)")
        return Answer(result={}, fds={"console": self.console.attach()})

    async def _vnc(self, _: Mapping[str, Any]) -> Answer:
        running = self.machine.up()
        if not running.plan.vnc:
            raise NotNow("the VM has no display (autoattachGraphicsDevice is false)")
        return Answer(result={}, fds={"vnc": await screen.vnc(running.monitor)})

    async def _screenshot(self, _: Mapping[str, Any]) -> Answer:
        return Answer(result=await screen.screenshot(self.machine.up().monitor))

    async def _agent(self, arguments: Mapping[str, Any]) -> Answer:
        running = self.machine.up()
        command = _of(str, arguments, "command")
        within = _number(arguments, "timeout", agent.TIMEOUT, _TIMEOUT_LIMIT)
        if running.agent is None:
            raise NotNow("the VM has no guest agent channel")
        answer = await running.agent.call(
            command, _of(dict, arguments, "arguments", {}), within=within or agent.TIMEOUT
        )
        return Answer(result={"answer": answer})

    async def _qmp(self, arguments: Mapping[str, Any]) -> Answer:
        answer = await self.machine.up().monitor.execute(
            _of(str, arguments, "command"),
            _of(dict, arguments, "arguments", {}),
            within=_number(arguments, "timeout", COMMAND_TIMEOUT, _TIMEOUT_LIMIT)
            or COMMAND_TIMEOUT,
        )
        return Answer(result={"answer": answer})

    async def _stats(self, _: Mapping[str, Any]) -> Answer:
        running = self.machine.up()
        return Answer(
            result=await stats.observe_stats(
                running.plan, running.process.pid, running.monitor, self.machine.taps
            )
        )

    def _facts(self, arguments: Mapping[str, Any]) -> Facts:
        tree = _of(dict, arguments, "facts")
        ours = {"run_dir": self.run_dir, "disk_dir": self.disk_dir}
        try:
            return Facts.from_json({**tree, **{k: tree.get(k) or v for k, v in ours.items()}})
        except ValueError as error:
            raise Refused(str(error), field="facts") from error


def _of(kind: type[Any], arguments: Mapping[str, Any], name: str, default: Any = None) -> Any:
    value = arguments.get(name, default)
    if not isinstance(value, kind):
        raise Refused(f"the argument {name!r} is no {kind.__name__}", field=name)
    return value


def _number(
    arguments: Mapping[str, Any], name: str, default: float | None, limit: float
) -> float | None:
    value = arguments.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= limit:
        raise Refused(f"the argument {name!r} is no number of seconds up to {limit}", field=name)
    return float(value)
