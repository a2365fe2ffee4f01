"""`console`: this terminal becomes the guest's serial console."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence

from . import command
from .ask import ask
from .terminal import Left, raw_terminal, relay

_DESCRIPTION = """\
Connect the guest's serial console: what it wrote last, then what it writes. Ctrl+] leaves it.
Without a terminal on standard input, only the output is shown."""


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = command.parser("console", _DESCRIPTION).parse_args(arguments)
    return command.run("console", lambda: _attach(chosen.run_dir))


def _attach(run_dir: str) -> int:
    _, fds = ask(run_dir, "console")
    with socket.socket(fileno=fds["console"]) as guest:
        keyboard = _keyboard()
        if keyboard is None:
            left = relay(guest, None, sys.stdout.fileno())
        else:
            print("connected; Ctrl+] leaves", file=sys.stderr)
            with raw_terminal(keyboard):
                left = relay(guest, keyboard, sys.stdout.fileno())
    said = "the console is closed" if left is Left.CLOSED else "\nleft; the machine goes on"
    print(said, file=sys.stderr)
    return 0


def _keyboard() -> int | None:
    """Standard input where somebody can type on it."""
    try:
        return number if os.isatty(number := sys.stdin.fileno()) else None
    except (ValueError, OSError, AttributeError):
        return None  # Closed, or never there.


if __name__ == "__main__":
    sys.exit(main())
