"""Processes of pods, as the machine that runs the nodes sees them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from kubemucluster import cgroups


def of_pod(uid: str, command: str = "") -> list[int]:
    """Pids of a pod's processes, those whose name begins so."""
    marks = (f"pod{uid}", f"pod{uid.replace('-', '_')}")
    groups = [
        group
        for hierarchy in cgroups.hierarchies()[:1]
        for mark in marks
        for group in hierarchy.rglob(f"*{mark}*/**/cgroup.procs")
    ]
    pids = [int(pid) for group in groups for pid in group.read_text().split()]
    return [pid for pid in pids if _name(pid).startswith(command)]


def kill(*pids: int) -> None:
    """SIGKILL, as out of memory or by mistake."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except FileNotFoundError:
        return ""
