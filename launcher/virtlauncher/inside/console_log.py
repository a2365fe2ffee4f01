"""`guest-console-log`: print the guest's console log from its start, and follow it.

A sidecar runs this beside every VM, so it is as small as a Python can be: no import that is not
needed, no file read whole. A connection to the launcher's door is its clock: when that ends, the
machine has, and everything it wrote is in the log.
"""

from __future__ import annotations

import _socket
import os
import select
import signal
import sys

RUN_DIR = "/run/kubemu"
_INTERVAL = 500
"""Milliseconds between two looks at the log."""
_CHUNK = 32 * 1024
_USAGE = "usage: guest-console-log [--run-dir DIR]"
_HELP = f"""{_USAGE}

Print the guest's serial console log ({RUN_DIR}/console.log) from its start, and what is added to
it, until the launcher ends. Waits for a launcher that does not run yet. SIGTERM ends it at once.

exit status: 0 the launcher has ended, or SIGTERM came; 2 wrong command line"""


class Log:
    """`console.log` and its predecessor, which the launcher replaces when the newer one is full."""

    def __init__(self, folder: str) -> None:
        self._path = f"{folder}/console.log"
        self._number = -1

    def show(self) -> None:
        """Write on standard output what was added since the last time."""
        while self._number >= 0 or self._open_first():
            self._copy()
            if self._is_newest():
                return
            self._copy()  # What came between our last read and the change of files.
            self._open_next()

    def _open_first(self) -> bool:
        return self._open(f"{self._path}.1") or self._open(self._path)

    def _open_next(self) -> None:
        """The file after the one that we have read."""
        number, self._number = self._number, -1
        follows = self._path
        if not _is(number, f"{self._path}.1"):  # More than one change: it is gone already.
            follows = f"{self._path}.1"
        os.close(number)
        self._open(follows)

    def _open(self, path: str) -> bool:
        try:
            self._number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        return True

    def _is_newest(self) -> bool:
        return _is(self._number, self._path)

    def _copy(self) -> None:
        while data := os.read(self._number, _CHUNK):
            while data:
                data = data[os.write(1, data) :]


def _is(number: int, path: str) -> bool:
    """Whether an open file has this name. No file of that name yet: it is the newest we know."""
    try:
        return os.path.samestat(os.fstat(number), os.lstat(path))
    except FileNotFoundError:
        return True


def main(arguments: list[str] | None = None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words in (["-h"], ["--help"]):
        print(_HELP)
        return 0
    if words and (len(words) != 2 or words[0] != "--run-dir"):
        print(_USAGE, file=sys.stderr)
        return 2
    # As the first process of a container, we would not even hear a signal that we do not handle.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    try:
        follow(words[1] if words else RUN_DIR)
    except (BrokenPipeError, KeyboardInterrupt):
        return 0  # Nobody reads us any more, or somebody at a terminal has seen enough.
    return 0


def follow(folder: str) -> None:
    """Show the log until the launcher is gone."""
    log = Log(folder)
    clock = select.poll()
    launcher: _socket.socket | None = None
    over = False
    while not over:
        if launcher is None and (launcher := _find_launcher(folder)) is not None:
            clock.register(launcher.fileno(), select.POLLIN)
        log.show()
        over = bool(clock.poll(_INTERVAL))
    log.show()


def _find_launcher(folder: str) -> _socket.socket | None:
    """A connection that ends with the launcher; None when it does not run yet."""
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        sock.connect(f"{folder}/inside.sock")
        sock.send(b'{"call":"wait"}\n')
    except OSError:
        sock.close()
        return None
    return sock


if __name__ == "__main__":
    sys.exit(main())
