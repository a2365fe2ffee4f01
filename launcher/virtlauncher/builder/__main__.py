"""The builder process: one request over an inherited socket, one answer, and gone.

Everything is imported at once: it is started before anybody asks, so the imports cost no time.
"""

from __future__ import annotations

import argparse
import socket
import sys

from virtcrds import VirtualMachineInstance

from .. import framing
from ..errors import LauncherError, Refused
from ..facts import Facts
from .content import prepare
from .content.limits import Limits, limit_self
from .plan import plan


def main() -> int:
    """Answer one request; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m virtlauncher.builder")
    parser.add_argument("--fd", type=int, required=True, help="the link's descriptor")
    with socket.socket(fileno=parser.parse_args().fd) as link:
        try:
            request, fds = framing.receive(link)
        except EOFError:
            return 0
        limit_self(Limits())
        try:
            _answer(link, request, fds)
        except LauncherError as error:
            framing.send(link, {"error": error.to_json()})
    return 0


def _answer(link: socket.socket, request: dict[str, object], fds: dict[str, int]) -> None:
    vmi = VirtualMachineInstance.from_json(request["vmi"])
    try:
        facts = Facts.from_json(request["facts"])  # type: ignore[arg-type]
    except ValueError as error:
        raise Refused(f"the facts cannot be read: {error}") from error
    content = prepare(vmi, facts, fds)
    try:
        framing.send(
            link, {"plan": plan(vmi, facts, content.prepared).to_json()}, content.descriptors
        )
    except BaseException:
        content.undo()
        raise
    content.close()


if __name__ == "__main__":
    sys.exit(main())
