"""The shell of `qmp`: a line, an answer; events that came meanwhile are shown between them."""

from __future__ import annotations

import json
import readline
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .errors import NoMachine, Refused
from .session import Message, Session
from .words import BadArgument, parse_arguments

_PROMPT = "(qmp) "
_LEAVE = frozenset({"exit", "logout"})


def converse(session: Session, greeting: Message) -> int:
    """Lines of a person at a terminal, until Ctrl+D."""
    version = greeting["QMP"]["version"]["qemu"]
    print(f"QEMU {version['major']}.{version['minor']}.{version['micro']}. Tab completes commands.")
    print("COMMAND [ARG=VALUE]... or a line of QMP's JSON. Ctrl+D leaves; 'quit' ends the machine.")
    _complete([entry["name"] for entry in session.execute("query-commands")])
    for line in _lines(session):
        if _perform(session, line) and _is_quit(line):
            break
    return 0


def obey(session: Session, lines: Iterable[str]) -> int:
    """Lines of a program. The status is 1 when QEMU refused one of them."""
    done = [_perform(session, line) for line in lines]
    return 0 if all(done) else 1


def show_event(event: Message) -> None:
    """One line, told apart from an answer by its beginning, on standard error."""
    print(f"event {json.dumps(event)}", file=sys.stderr, flush=True)


def _lines(session: Session) -> Iterator[str]:
    while True:
        session.drain()
        try:
            line = input(_PROMPT)
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()
            continue
        if line.strip() in _LEAVE:
            return
        yield line


def _perform(session: Session, line: str) -> bool:
    """Do one line and print what came of it; False when it was refused."""
    try:
        if (request := parse_line(line)) is None:
            return True
        answer = session.execute(request["execute"], request["arguments"])
    except (Refused, ValueError) as error:
        print(f"qmp: {error}", file=sys.stderr, flush=True)
        return False
    except NoMachine:
        if not _is_quit(line):
            raise
        return True
    print(json.dumps(answer, indent=2), flush=True)
    return True


def _is_quit(line: str) -> bool:
    return line.split()[:1] == ["quit"]


def parse_line(line: str) -> Mapping[str, Any] | None:
    """`execute` and `arguments` of a line; None when it is empty or a comment.

    Raises BadArgument, or ValueError for JSON that is none.
    """
    if not line.strip() or line.lstrip().startswith("#"):
        return None
    if line.lstrip().startswith("{"):
        return _request(json.loads(line))
    execute, *words = shlex.split(line)
    return {"execute": execute, "arguments": parse_arguments(words)}


def _request(tree: Any) -> Mapping[str, Any]:
    if not isinstance(tree.get("execute"), str) or not isinstance(tree.get("arguments", {}), dict):
        raise BadArgument('a line of JSON is {"execute": COMMAND, "arguments": {…}}')
    return {"execute": tree["execute"], "arguments": tree.get("arguments", {})}


def _complete(commands: Iterable[str]) -> None:
    known = sorted(commands)

    def candidate(text: str, number: int) -> str | None:
        fitting = [name for name in known if name.startswith(text)]
        return f"{fitting[number]} " if number < len(fitting) else None

    readline.set_completer(candidate)
    readline.set_completer_delims(" ")
    readline.parse_and_bind("tab: complete")
