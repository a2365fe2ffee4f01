"""A compromised or broken QEMU: speaks just enough QMP on descriptor 100 to do harm.

The arguments say when (`at-once`, `after-greeting`, `after-start`) and what. With `agent WORDS`
it is well, and its guest's agent, on descriptor 103, answers badly.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

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


def chatter(_: socket.socket) -> None:
    """Writes on standard error for ever, mostly without a line's end."""
    while True:
        os.write(2, b"B" * 100_000 + b"\n")


def close(monitor: socket.socket) -> None:
    monitor.close()
    sleep(monitor)


def mute(monitor: socket.socket) -> None:
    """Reads everything, answers nothing, not even SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while monitor.recv(65536):
        pass


def requests(monitor: socket.socket) -> Iterator[dict[str, Any]]:
    """JSON objects as they come: nothing need stand between two."""
    text = ""
    while data := monitor.recv(65536):
        text += data.decode()
        while text:
            try:
                request, end = json.JSONDecoder().raw_decode(text)
            except ValueError:
                break
            text = text[end:].lstrip()
            yield request


def serve(monitor: socket.socket, last: str = "") -> None:
    """Answer every command until `last` was answered."""
    monitor.sendall(json.dumps(GREETING).encode() + b"\n")
    for request in requests(monitor):
        command = request["execute"]
        answer = {"return": ANSWERS.get(command, {}), "id": request.get("id")}
        monitor.sendall(json.dumps(answer).encode() + b"\n")
        if command == last:
            return
        if command == "quit":
            os._exit(0)


class Agent:
    """The guest's end of the agent's channel."""

    def __init__(self) -> None:
        self._sock = socket.socket(fileno=103)
        self._lines = self._sock.makefile("rb")

    def next(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            sys.exit()
        request: dict[str, Any] = json.loads(line.lstrip(b"\xff"))
        return request

    def say(self, answer: bytes) -> None:
        self._sock.sendall(answer)

    def sync(self, number: int | None = None) -> None:
        """Answer the sync command that comes first."""
        asked = self.next()["arguments"]["id"]
        answer = {"return": asked if number is None else number}
        self.say(b"\xff" + json.dumps(answer).encode() + b"\n")


def well(agent: Agent) -> None:
    agent.sync()
    request = agent.next()
    agent.say(json.dumps({"return": request}).encode() + b"\n")


def refusing(agent: Agent) -> None:
    agent.sync()
    agent.next()
    agent.say(b'{"error": {"class": "X", "desc": "not \\u001b[2J here"}}\n')


def malformed(agent: Agent) -> None:
    agent.sync()
    agent.next()
    agent.say(b"\xfe{]\n")


def listing(agent: Agent) -> None:
    agent.sync()
    agent.next()
    agent.say(b"[1]\n")


def deep(agent: Agent) -> None:
    agent.sync()
    agent.next()
    agent.say(b"[" * 60_000 + b"\n")


def endless(agent: Agent) -> None:
    agent.sync()
    agent.next()
    while True:
        agent.say(b"C" * 65536)


def noisy(agent: Agent) -> None:
    """Never comes to the answer that was waited for."""
    while True:
        agent.say(b'{"return": 1}\n' * 1000)


def impostor(agent: Agent) -> None:
    """Somebody else's sync answer."""
    agent.sync(number=7)


def silent(agent: Agent) -> None:
    agent.next()


def silent_after_sync(agent: Agent) -> None:
    agent.sync()
    agent.next()


def late(agent: Agent) -> None:
    """Answers a call of before first; then what was asked."""
    agent.say(b'{"return": "an answer of before"}\n\xff{"return": 12}\n')
    well(agent)


def hung_up(agent: Agent) -> None:
    agent.next()
    os.close(103)


def be_agent(behaviours: list[str]) -> None:
    agent = Agent()
    for behaviour in behaviours:
        globals()[behaviour](agent)
    sleep(agent._sock)


BEHAVIOURS: dict[str, Callable[[socket.socket], None]] = {
    function.__name__: function
    for function in (abort, exit_1, sleep, garbage, giant, storm, chatter, close, mute)
}


def main() -> None:
    when, *behaviours = sys.argv[1:]
    monitor = socket.socket(fileno=100)
    if when == "agent":
        threading.Thread(target=be_agent, args=(behaviours,), daemon=True).start()
        serve(monitor)
        return
    if when == "after-greeting":
        serve(monitor, "qmp_capabilities")
    elif when == "after-start":
        serve(monitor, "cont")
    with contextlib.suppress(ConnectionError):  # The launcher has seen enough.
        BEHAVIOURS[behaviours[0]](monitor)
    sleep(monitor)


if __name__ == "__main__":
    main()
