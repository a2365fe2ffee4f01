"""A launcher whose builder answers what the request's `stub` says: {"plan": …} or {"error": …}.

Run as a program it is that builder; `launcher` in it is the real launcher's entry.
"""

from __future__ import annotations

import socket
import sys

from virtlauncher import framing
from virtlauncher.__main__ import main


def launcher() -> int:
    return main(builder=[sys.executable, __file__, "build"])


def build() -> int:
    with socket.socket(fileno=3) as link:
        try:
            request, fds = framing.receive(link)
        except EOFError:
            return 0
        framing.close_all(fds.values())
        answer = request["vmi"]["stub"]
        if words := answer.get("dies"):
            print(words, file=sys.stderr)
            return 1
        framing.send(link, answer)
    return 0


if __name__ == "__main__":
    sys.exit(build() if sys.argv[1:] == ["build"] else launcher())
