"""A launcher whose builder answers what the request's `stub` says: {"plan": …} or {"error": …}.

`{"dies": WORDS}`: it ends instead of an answer. In the environment, STUB_DIES: it ends at once.
"""

from __future__ import annotations

import os
import socket
import sys

from virtlauncher import framing
from virtlauncher.__main__ import main


def build(link: int) -> int:
    if words := os.environ.get("STUB_DIES"):
        print(words, file=sys.stderr)
        return 1
    with socket.socket(fileno=link) as sock:
        try:
            request, fds = framing.receive(sock)
        except EOFError:
            return 0
        framing.close_all(fds.values())
        answer = request["vmi"]["stub"]
        if words := answer.get("dies"):
            print(words, file=sys.stderr)
            return 1
        framing.send(sock, answer)
    return 0


if __name__ == "__main__":
    sys.exit(main(builder=build))
