"""How the launcher ends: exit status and termination message."""

from __future__ import annotations

import enum
import os

from .lifecycle import Ending, EndingKind

TERMINATION_LOG = "/dev/termination-log"
"""Where Kubernetes reads a container's last words, if it made the file."""
_MESSAGE_LIMIT = 4096


class ExitCode(enum.IntEnum):
    """Exit statuses of `virt-launcher`."""

    GUEST_SHUTDOWN = 0
    """The guest powered off, by itself or by the power button."""
    BUG = 1
    """An error in the launcher itself; the log has a traceback."""
    USAGE = 2
    """Wrong options, or the run directory is in use."""
    FAILED = 3
    """The machine never ran."""
    CRASHED = 4
    """QEMU died by itself."""
    PANICKED = 5
    """The guest's kernel panicked."""
    KILLED = 6
    """QEMU was ended before the guest had powered off, or before it was asked to start."""

    @classmethod
    def of(cls, ending: Ending) -> ExitCode:
        return _CODES[ending.kind]


_CODES = {
    EndingKind.GUEST_SHUTDOWN: ExitCode.GUEST_SHUTDOWN,
    EndingKind.FAILED: ExitCode.FAILED,
    EndingKind.CRASHED: ExitCode.CRASHED,
    EndingKind.PANICKED: ExitCode.PANICKED,
    EndingKind.KILLED: ExitCode.KILLED,
}


def message(ending: Ending) -> str:
    """One or two sentences for whoever looks at the end of the container."""
    if ending.last_line and ending.kind is not EndingKind.GUEST_SHUTDOWN:
        return f"{ending.message} QEMU's last line: {ending.last_line}"
    return ending.message


def write_message(path: str, text: str, *, create: bool) -> None:
    """Write the termination message. Raises OSError when the file cannot be written."""
    flags = os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    number = os.open(path, flags, 0o600)
    try:
        os.write(number, text.encode()[:_MESSAGE_LIMIT])
    finally:
        os.close(number)
