"""How a VM ended: told by its launcher, read from what a launcher left, or known to be lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .exits import Exit
from .folders import VmFolders
from .launcher import last_words
from .record import Ending

LOST = "lost"
_EXITS: Mapping[str, Exit] = {
    "guest-shutdown": Exit.OK,
    "killed": Exit.KILLED,
    "crashed": Exit.CRASHED,
    "panicked": Exit.PANICKED,
    "failed": Exit.LAUNCH_FAILED,
    LOST: Exit.CRASHED,
}
_BY_STATUS: Mapping[int, str] = {
    0: "guest-shutdown",
    3: "failed",
    4: "crashed",
    5: "panicked",
    6: "killed",
}
"""The launcher's own exit statuses."""


def exit_of(ending: Ending) -> Exit:
    return _EXITS.get(ending.kind, Exit.CRASHED)


def from_state(state: Mapping[str, Any]) -> Ending | None:
    """The ending in a STATE of the wire protocol, if it has one."""
    ending = state.get("ending")
    if not isinstance(ending, Mapping):
        return None
    kind, message = str(ending.get("kind", LOST)), str(ending.get("message", ""))
    line = str(ending.get("last_line", ""))
    if line and kind != "guest-shutdown" and line not in message:
        message = f"{message} QEMU's last line: {line}"
    return Ending(kind=kind, message=message, at=str(state.get("since", "")))


def from_status(status: int, folders: VmFolders) -> Ending:
    """Of a launcher that ended before it could say so on its connection."""
    if status < 0:
        return Ending(kind=LOST, message=f"The launcher was killed by signal {-status}.")
    kind = _BY_STATUS.get(status, LOST)
    words = last_words(folders) or f"The launcher ended with status {status}."
    return Ending(kind=kind, message=words)


def from_remains(folders: VmFolders) -> Ending:
    """Of a VM that nobody watched: its launcher's log and last words, if it had time for them."""
    for entry in reversed(read_log(folders)):
        state, _, kind = str(entry.get("message", "")).partition(" ")
        if entry.get("logger") == "virtlauncher.machine" and state == "ended":
            words = last_words(folders) or "It ended."
            return Ending(kind=kind or LOST, message=words, at=str(entry.get("time", "")))
    return Ending(
        kind=LOST, message="Its launcher is gone and left no word: killed, or the power was cut."
    )


def read_log(folders: VmFolders) -> list[dict[str, Any]]:
    """The launcher's log, a record a line; what is no record (a traceback) is a message."""
    try:
        lines = folders.launcher_log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return [parse_entry(line) for line in lines if line.strip()]


def render_entry(entry: Mapping[str, Any]) -> str:
    """A record of the log as one line for people."""
    if "level" not in entry:
        return str(entry.get("message", ""))
    known = ("time", "level", "logger", "message", "vm")
    tail = "".join(f" {key}={value}" for key, value in entry.items() if key not in known)
    return f"{entry.get('time')} {entry['level']:7} {entry.get('message')}{tail}"


def parse_entry(line: str) -> dict[str, Any]:
    """A line of the log; one that is no record is its own message."""
    try:
        tree = json.loads(line)
    except (ValueError, RecursionError):
        return {"message": line}
    return tree if isinstance(tree, dict) else {"message": line}
