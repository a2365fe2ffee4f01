"""`kubemu guest-info`: what the guest says about itself, through its agent."""

from __future__ import annotations

from typing import Any

from virtlauncher.client import Client
from virtlauncher.errors import LauncherError

from .. import runner, say
from ..machines import Machine, find_machine
from ..say import Output
from ..world import observe_world
from .common import Name, Namespace, OutputOption

_QUESTIONS = {
    "hostname": "guest-get-host-name",
    "os": "guest-get-osinfo",
    "timezone": "guest-get-timezone",
    "users": "guest-get-users",
    "interfaces": "guest-network-get-interfaces",
    "filesystems": "guest-get-fsinfo",
}
_SECONDS = 10


def command(name: Name, namespace: Namespace = "", output: OutputOption = Output.TEXT) -> None:
    """Ask the guest agent for the guest's name, system, users, addresses and file systems.

    What the guest says is only what the guest says.
    """
    machine = find_machine(name, namespace, observe_world())
    info = runner.run(_ask(machine))
    if output is Output.JSON:
        say.result_json(info)
        return
    for line in render_info(info):
        say.result(line)


async def _ask(machine: Machine) -> dict[str, Any]:
    async with machine.connected() as client:
        await client.call("agent", {"command": "guest-ping", "timeout": _SECONDS})
        answers = [await _answer(client, question) for question in _QUESTIONS.values()]
    return dict(zip(_QUESTIONS, answers, strict=True))


async def _answer(client: Client, question: str) -> Any:
    """None for a question that this agent does not know."""
    try:
        reply = await client.call("agent", {"command": question, "timeout": _SECONDS})
    except LauncherError:
        return None
    return reply.result.get("answer")


def render_info(info: dict[str, Any]) -> list[str]:
    """The answers as lines for people; what is missing or odd is left out."""
    system = _dict(info.get("os"))
    lines = [
        f"hostname:    {_dict(info.get('hostname')).get('host-name', '')}",
        f"system:      {system.get('pretty-name', '')}",
        f"kernel:      {system.get('kernel-release', '')}",
        f"timezone:    {_dict(info.get('timezone')).get('zone', '')}",
    ]
    lines += [f"user:        {user.get('user', '')}" for user in _list(info.get("users"))]
    for interface in _list(info.get("interfaces")):
        addresses = [
            f"{one.get('ip-address')}/{one.get('prefix')}"
            for one in _list(interface.get("ip-addresses"))
        ]
        mac = interface.get("hardware-address", "")
        lines.append(f"interface:   {interface.get('name', '')} {mac} {' '.join(addresses)}")
    for system in _list(info.get("filesystems")):
        used, total = system.get("used-bytes"), system.get("total-bytes")
        size = f"{used} of {total} bytes used" if isinstance(total, int) else ""
        place = f"{system.get('mountpoint', '')} ({system.get('type', '')})"
        lines.append(f"filesystem:  {place} {size}")
    return [line.rstrip() for line in lines if line.partition(":")[2].strip()]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
