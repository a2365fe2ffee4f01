"""The guest's agent, asked through the launcher."""

from __future__ import annotations

import logging
from typing import Any

from virtlauncher.client import Client
from virtlauncher.errors import LauncherError, WireError

from . import guest
from .guest import Guest

_WITHIN = 10.0
"""Seconds for one answer."""

_log = logging.getLogger("virtoperator.handler")


async def ask(launcher: Client, known: Guest | None) -> Guest | None:
    """A round of questions: what the guest says of itself now, `known` when it says nothing.

    An agent may lack a command, or be gone by now.
    """
    answers: dict[str, Any] = {}
    for command in (guest.OS_INFO, guest.INTERFACES, guest.FILESYSTEMS):
        arguments = {"command": command, "timeout": _WITHIN}
        try:
            reply = await launcher.call("agent", arguments, within=2 * _WITHIN)
        except WireError:
            return known
        except (LauncherError, TimeoutError) as error:
            _log.debug("%s: %s", command, error)
            continue
        answers[command] = reply.result.get("answer")
    if not answers:
        return known
    return Guest(
        os=guest.read_os(answers.get(guest.OS_INFO)),
        nics=guest.read_nics(answers.get(guest.INTERFACES)),
        filesystems=guest.read_filesystems(answers.get(guest.FILESYSTEMS)),
    )
