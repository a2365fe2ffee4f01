"""Whether the kernel killed a process of a container for its memory limit."""

from __future__ import annotations

from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
_COUNTER = "oom_kill"


def oom_kills(cgroups: str, root: Path = CGROUPS) -> int:
    """How many processes of the group in a /proc/PID/cgroup were killed so; 0 when unknown."""
    for path in _files(cgroups, root):
        try:
            lines = path.read_text().splitlines()
        except OSError:  # The group is gone, or this is no node of ours to look into.
            continue
        for line in lines:
            name, _, number = line.partition(" ")
            if name == _COUNTER and number.isdecimal():
                return int(number)
    return 0


def _files(cgroups: str, root: Path) -> list[Path]:
    """Where version 1 and version 2 of control groups keep the counter."""
    found = []
    for line in cgroups.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        below = path.lstrip("/")
        if ".." in below.split("/"):
            continue  # Outside of our own cgroup namespace.
        if "memory" in controllers.split(","):
            found.append(root / "memory" / below / "memory.oom_control")
        elif number == "0":
            found.append(root / below / "memory.events")
    return found
