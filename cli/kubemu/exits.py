"""The exit status of every ending: scripts depend on these numbers, so they never change."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """What `kubemu` ends with, and the sentence that says so in `--help`."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    LAUNCH_FAILED = 10
    IMAGE = 11
    CRASHED = 12
    PANICKED = 13
    KILLED = 14
    INTERNAL = 70
    TIMEOUT = 124
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]


_MEANINGS = {
    Exit.OK: "the guest powered off by itself (or the command did its work)",
    Exit.REFUSED: "refused: bad input, or a call that does not fit; nothing was started",
    Exit.USAGE: "wrong command line",
    Exit.LAUNCH_FAILED: "QEMU or its launcher did not start",
    Exit.IMAGE: "an image could not be pulled or unpacked",
    Exit.CRASHED: "QEMU died by itself, or its launcher did",
    Exit.PANICKED: "the guest's kernel panicked",
    Exit.KILLED: "the guest did not power off within its grace period and was killed",
    Exit.INTERNAL: "a bug in kubemu",
    Exit.TIMEOUT: "the time of --timeout was over",
    Exit.INTERRUPTED: "interrupted before the guest ran",
}


def epilog() -> str:
    """The table for `--help`, one status a line."""
    rows = "\n".join(f"{status.value:>3}  {status.meaning}" for status in Exit)
    return f"Exit status:\n{rows}"
