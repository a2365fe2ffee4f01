"""One call of the wire protocol for one command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import runner, say
from .machines import Machine, find_machine
from .world import observe_world


def call(
    name: str,
    namespace: str,
    what: str,
    arguments: Mapping[str, Any] | None = None,
) -> tuple[Machine, dict[str, Any]]:
    """The VM and the call's result. Raises KubemuError and LauncherError."""
    machine = find_machine(name, namespace, observe_world())
    return machine, runner.run(_call(machine, what, arguments or {}))


def call_and_say(name: str, namespace: str, what: str, done: str) -> None:
    """A call whose result is that it worked."""
    machine, _ = call(name, namespace, what)
    say.note(f"{machine.vm}: {done}")


async def _call(machine: Machine, what: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    async with machine.connected() as client:
        return (await client.call(what, arguments)).result
