"""What a command inside the pod can end with, named by its exit status.

::

    CommandError             exit status, message (one sentence)
    ├── Refused        1     the launcher or QEMU said no
    └── NoMachine      3     no launcher, or no QEMU, runs here
"""

from __future__ import annotations

USAGE = 2
INTERRUPTED = 130


class CommandError(Exception):
    """A failure that a person can act on."""

    exit = 1


class Refused(CommandError):
    exit = 1


class NoMachine(CommandError):
    exit = 3
