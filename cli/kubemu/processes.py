"""Which process was meant: a pid alone is reused, a pid with its start time and boot is not."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Identity:
    pid: int
    start: int
    """Clock ticks since boot (field 22 of /proc/PID/stat)."""
    boot: str

    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return find_identity(self.pid) == self


def find_identity(pid: int) -> Identity | None:
    """Who has this pid now, or None when nobody runs there."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        boot = _BOOT_ID.read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *numbers = text.rpartition(")")[2].split()
    if state in "ZX":
        return None
    return Identity(pid=pid, start=int(numbers[18]), boot=boot)


def send_signal(who: Identity, number: signal.Signals) -> None:
    """Signals this very process, by pidfd; nothing when it is gone."""
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(who.pid)
        try:
            if who.alive():
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)
