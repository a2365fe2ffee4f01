"""`qmp`: one command for QEMU's second monitor, or a shell on it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from . import command
from .errors import Refused
from .session import Message, opened
from .words import BadArgument, parse_arguments

_DESCRIPTION = """\
Send QEMU a command of its monitor protocol and print the answer as JSON. Without a command,
a shell: on a terminal with a prompt, else one command a line from standard input.
Whatever is done here, the launcher only sees its effects: 'quit' ends the machine."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command.parser("qmp", _DESCRIPTION)
    parser.add_argument("execute", nargs="?", metavar="COMMAND", help="for example query-block")
    parser.add_argument(
        "arguments",
        nargs="*",
        metavar="ARG=VALUE",
        help="values are JSON where they can be, else text; a.b=1 is {'a': {'b': 1}}",
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="for another session to end: QEMU serves one at a time (%(default)s)",
    )
    chosen = parser.parse_args(arguments)
    return command.run("qmp", lambda: _once(chosen) if chosen.execute else _shell(chosen))


def _once(chosen: argparse.Namespace) -> int:
    try:
        arguments = parse_arguments(chosen.arguments)
    except BadArgument as error:
        raise Refused(str(error)) from error
    with opened(chosen.run_dir, _ignore, chosen.wait) as (session, _):
        print(json.dumps(session.execute(chosen.execute, arguments), indent=2))
    return 0


def _shell(chosen: argparse.Namespace) -> int:
    from . import shell  # Only here: readline and shlex are not for a single command.

    with opened(chosen.run_dir, shell.show_event, chosen.wait) as (session, greeting):
        if sys.stdin.isatty():
            return shell.converse(session, greeting)
        return shell.obey(session, sys.stdin)


def _ignore(_: Message) -> None:
    """Events are for whoever stays."""


if __name__ == "__main__":
    sys.exit(main())
