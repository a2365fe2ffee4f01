"""What the launcher tells people inside the pod about its machine."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable
from typing import Any

from . import VERSION
from .children import Child
from .machine import Machine


def describe(machine: Machine, children: Iterable[Child], since: float) -> dict[str, Any]:
    """State, versions, children and command line; `since`: the launcher's start (loop time).

    `uptime` is in seconds, `rss` in bytes; `qemu` is '' and `argv` empty before they are known.
    """
    now = asyncio.get_running_loop().time()
    return {
        "state": machine.track.state.to_json(),
        "launcher": {
            "version": VERSION,
            "python": ".".join(map(str, sys.version_info[:3])),
            "pid": os.getpid(),
            "uptime": round(now - since, 3),
            "rss": _rss(os.getpid()),
        },
        "qemu": _qemu_version(machine),
        "children": [
            {
                "name": child.name,
                "pid": child.pid,
                "uptime": round(now - child.since, 3),
                "rss": _rss(child.pid),
            }
            for child in children
        ],
        "argv": list(machine.running.plan.argv) if machine.running else [],
    }


def _qemu_version(machine: Machine) -> str:
    if not machine.requested.done() or machine.requested.cancelled():
        return ""
    return ".".join(map(str, machine.requested.result().facts.qemu.version))


def _rss(pid: int) -> int:
    """Resident bytes; 0 for a process that is ending."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
