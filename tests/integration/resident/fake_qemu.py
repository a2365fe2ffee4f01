"""A compromised or broken QEMU: speaks just enough QMP on descriptor 100 to do harm.

The argument says what it does; `after-start` before it makes it run properly first.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable

GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}}, "capabilities": []}}
EVENT = {"event": "NOISE", "data": {}, "timestamp": {"seconds": 0, "microseconds": 0}}
ANSWERS = {"query-status": {"status": "prelaunch", "running": False}}


def abort(_: socket.socket) -> None:
    print("qemu: it cannot go on", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGABRT)


def exit_1(_: socket.socket) -> None:
    print("qemu: a device\x1b[2J is wrong", file=sys.stderr, flush=True)
    sys.exit(1)


def sleep(_: socket.socket) -> None:
    while True:
        time.sleep(1000)


def garbage(monitor: socket.socket) -> None:
    monitor.sendall(b"\xff\x00 what do you mean\n" * 10)
    sleep(monitor)


def giant(monitor: socket.socket) -> None:
    monitor.sendall(b'{"event": "NOISE", "data": {"x": "')
    while True:
        monitor.sendall(b"A" * 65536)


def storm(monitor: socket.socket) -> None:
    line = json.dumps(EVENT).encode() + b"\n"
    while True:
        monitor.sendall(line * 1000)


def close(monitor: socket.socket) -> None:
    monitor.close()
    sleep(monitor)


def mute(monitor: socket.socket) -> None:
    """Reads everything, answers nothing, not even SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while monitor.recv(65536):
        pass


def serve(monitor: socket.socket, last: str) -> None:
    """Answer every command until `last` was answered."""
    monitor.sendall(json.dumps(GREETING).encode() + b"\n")
    with monitor.makefile("rb") as lines:
        for line in lines:
            request = json.loads(line)
            command = request.get("execute")
            answer = {"return": ANSWERS.get(command, {}), "id": request.get("id")}
            monitor.sendall(json.dumps(answer).encode() + b"\n")
            if command == last:
                return


BEHAVIOURS: dict[str, Callable[[socket.socket], None]] = {
    function.__name__: function
    for function in (abort, exit_1, sleep, garbage, giant, storm, close, mute)
}


def main() -> None:
    when, behaviour = sys.argv[1:]
    monitor = socket.socket(fileno=100)
    if when == "after-greeting":
        serve(monitor, "qmp_capabilities")
    elif when == "after-start":
        serve(monitor, "cont")
    BEHAVIOURS[behaviour](monitor)


if __name__ == "__main__":
    main()
