"""One QMP session on the second monitor, blocking: a command, its answer, events in between."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import ask
from .errors import NoMachine, Refused

_CHUNK = 64 * 1024

Message = dict[str, Any]


class Session:
    """A monitor that has greeted. `on_event` gets every event when it is read."""

    def __init__(self, sock: socket.socket, on_event: Callable[[Message], None]) -> None:
        self._sock = sock
        self._on_event = on_event
        self._buffer = bytearray()

    def greet(self) -> Message:
        """QEMU's greeting; commands work from here on."""
        try:
            greeting = self._next()
        except TimeoutError:
            raise Refused(
                "the monitor is silent: QEMU serves one session at a time, and another is open"
            ) from None
        self._sock.settimeout(None)
        self.execute("qmp_capabilities")
        return greeting

    def execute(self, command: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """QEMU's `return`. Raises Refused with its words; NoMachine when it has gone."""
        request: Message = {"execute": command}
        if arguments:
            request["arguments"] = dict(arguments)
        try:
            self._sock.sendall(json.dumps(request).encode() + b"\n")
        except ConnectionError as error:
            raise NoMachine("QEMU has gone") from error
        while "event" in (answer := self._next()):
            self._on_event(answer)
        if "error" in answer:
            raise Refused(str(answer["error"].get("desc", answer["error"])))
        return answer.get("return")

    def drain(self) -> None:
        """Take in the events that have come, without waiting."""
        self._sock.setblocking(False)
        try:
            while True:
                self._on_event(self._next())
        except BlockingIOError:
            return
        finally:
            self._sock.settimeout(None)

    def _next(self) -> Message:
        while (end := self._buffer.find(b"\n")) < 0:
            try:
                data = self._sock.recv(_CHUNK)
            except ConnectionError:
                data = b""
            if not data:
                raise NoMachine("QEMU has gone")
            self._buffer += data
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise Refused("QEMU's monitor does not speak QMP")
        return message


@contextlib.contextmanager
def opened(
    run_dir: str, on_event: Callable[[Message], None], patience: float
) -> Iterator[tuple[Session, Message]]:
    """A session and QEMU's greeting, for which it waits `patience` seconds.

    Raises NoMachine when there is no QEMU, Refused when it does not greet.
    """
    _require_qemu(run_dir)
    with ask.connected(run_dir, ask.MONITOR) as sock:
        sock.settimeout(patience)
        session = Session(sock, on_event)
        yield session, session.greet()


def _require_qemu(run_dir: str) -> None:
    """The monitor's socket is there before QEMU is, and then connects us to nobody."""
    try:
        state = ask.ask(run_dir, "machine")[0]["state"]
    except Refused:  # A launcher in trouble is when this monitor is needed most.
        return
    if state["pid"] is None:
        raise NoMachine(f"there is no running machine: it is {state['name']}")
