"""`virt-launcher`: the builder is on its way before anything heavy is imported here.

The start of a machine waits for the builder's imports, so every millisecond before its exec
counts: hence `_socket` (`socket` costs 7 ms), and imports inside `main`.
"""

from __future__ import annotations

import _socket
import os
import sys
from collections.abc import Sequence

_LINK = 3
"""Number of the link's descriptor in the builder."""
BUILDER = (sys.executable, "-m", "virtlauncher.builder", "--fd", str(_LINK))


def main(arguments: Sequence[str] | None = None, builder: Sequence[str] = BUILDER) -> int:
    """Run a launcher; its exit status."""
    started = _start(builder)
    from .resident import lean

    with lean.without_ssl():
        from .resident import app

    pid, link, output = started
    return app.run(
        sys.argv[1:] if arguments is None else arguments,
        app.BuilderStart(pid=pid, link=link, output=output),
    )


def _start(argv: Sequence[str]) -> tuple[int, int, int]:
    """Start the builder: its pid, our end of the link, and of its output."""
    ours, theirs = _socket.socketpair()
    output, their_output = os.pipe()
    actions = [
        (os.POSIX_SPAWN_DUP2, their_output, 1),
        (os.POSIX_SPAWN_DUP2, their_output, 2),
        (os.POSIX_SPAWN_DUP2, theirs.fileno(), _LINK),
    ]
    # A process group of its own: a terminal's Ctrl+C is the launcher's to hear.
    pid = os.posix_spawn(argv[0], list(argv), os.environ, file_actions=actions, setpgroup=0)
    theirs.close()
    os.close(their_output)
    return pid, ours.detach(), output


if __name__ == "__main__":
    sys.exit(main())
