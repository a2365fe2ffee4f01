"""Questions to the launcher, through its door for people inside the pod (resident/door.py)."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any

from .. import framing
from ..errors import WireError
from .errors import NoMachine, Refused

DOOR, MONITOR = "inside.sock", "qmp.sock"
TIMEOUT = 10.0
"""Seconds for the launcher to answer."""


def ask(run_dir: str, call: str) -> tuple[dict[str, Any], dict[str, int]]:
    """The launcher's result, and descriptors that are the caller's now.

    Raises NoMachine when no launcher runs, Refused with its words when it says no.
    """
    with connected(run_dir, DOOR) as sock:
        try:
            framing.send(sock, {"call": call})
            message, fds = framing.receive(sock)
        except (EOFError, WireError, ConnectionError) as error:
            raise Refused("the launcher sends us away: it is ending, or very busy") from error
        except TimeoutError as error:
            raise Refused(f"the launcher did not answer in {TIMEOUT:g} s") from error
    if "error" in message:
        framing.close_all(fds.values())
        raise Refused(str(message["error"].get("message", "")))
    return message["result"], fds


@contextlib.contextmanager
def connected(run_dir: str, name: str) -> Iterator[socket.socket]:
    """A connection to one of the launcher's sockets. Raises NoMachine, Refused."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(TIMEOUT)
        try:
            with framing.reachable(os.path.join(run_dir, name)) as address:
                sock.connect(address)
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
            raise NoMachine(f"no launcher runs in {run_dir}") from error
        except OSError as error:
            raise Refused(f"{run_dir}/{name}: {error.strerror or error}") from error
        yield sock
