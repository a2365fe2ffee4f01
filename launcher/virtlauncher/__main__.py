"""`virt-launcher`: one process that becomes two, the builder and the resident.

Both are on the path of a machine's start, each on a CPU of its own. So what both need is imported
once, before the fork, and what only one needs after it, in there.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

from . import facts, framing, plan  # noqa: F401  What both halves speak with each other.


def _build(link: int) -> int:
    from .builder import process

    return process.build(link)


def main(arguments: Sequence[str] | None = None, builder: Callable[[int], int] = _build) -> int:
    """Run a launcher; its exit status.

    `builder` is what the other process does with its end of the link; its result is an exit status.
    """
    pid, link, output = _fork(builder)
    # A pod's first process loses what it does not handle yet: the kubelet's word waits until then.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    from .resident import lean

    with lean.without_ssl():
        from .resident import app

    return app.run(
        sys.argv[1:] if arguments is None else arguments,
        app.BuilderStart(pid=pid, link=link, output=output),
    )


def _fork(builder: Callable[[int], int]) -> tuple[int, int, int]:
    """Start the builder: its pid, our end of the link, and of its output."""
    ours, theirs = socket.socketpair()
    output, their_output = os.pipe()
    pid = os.fork()
    if pid == 0:
        ours.close()
        os.close(output)
        _become(builder, theirs.detach(), their_output)
    theirs.close()
    os.close(their_output)
    return pid, ours.detach(), output


def _become(builder: Callable[[int], int], link: int, output: int) -> NoReturn:
    """Nothing of the launcher's own goes on in here, whatever happens."""
    status = 1
    try:
        os.setpgid(0, 0)  # A terminal's Ctrl+C is the launcher's to hear.
        for stream in (1, 2):
            os.dup2(output, stream)
        status = builder(link)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
