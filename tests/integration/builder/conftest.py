"""A starter that opens what a plan names and runs the real QEMU, for tests of command lines."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from virtlauncher.plan import DEBUG_MONITOR, Plan

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_MULTI_QUEUE = 0x2, 0x1000, 0x4000, 0x100

_CLEAR = 1000
"""Descriptors are moved up here first, so that none is overwritten before it is used."""
_RESIDENT_MADE = ("monitor", "debug-monitor", "serial0", "agent", "tpm")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Machine:
    """A running QEMU, its monitor, and our ends of the other sockets."""

    pid: int
    monitor: socket.socket
    peers: Mapping[str, socket.socket]
    stderr: Path
    helpers: tuple[int, ...] = ()
    """Pids, in the plan's order."""

    def execute(self, command: str, fds: tuple[int, ...] = (), **arguments: Any) -> Any:
        """QEMU's `return`; an `error` fails the test."""
        message = json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n"
        if fds:
            socket.send_fds(self.monitor, [message], list(fds))
        else:
            self.monitor.sendall(message)
        return self._answer()["return"]

    def event(self, name: str) -> dict[str, Any]:
        """The next event of that name; others are dropped."""
        while (message := self.line()).get("event") != name:
            pass
        return message

    def line(self) -> dict[str, Any]:
        text = b""
        while not text.endswith(b"\n"):
            try:
                byte = self.monitor.recv(1)
            except ConnectionResetError:
                byte = b""
            assert byte, f"QEMU closed its monitor: {self.stderr.read_text()}"
            text += byte
        answer = json.loads(text)
        assert isinstance(answer, dict)
        return answer

    def _answer(self) -> dict[str, Any]:
        while "return" not in (message := self.line()):
            assert "error" not in message, message
        return message

    def quit(self) -> int:
        """QEMU's exit status after `quit`."""
        self.execute("quit")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


Starter = Callable[[Plan, Mapping[str, int]], contextlib.AbstractContextManager[Machine]]


@pytest.fixture
def start(tmp_path: Path) -> Starter:
    """Starts a plan; the mapping gives the descriptors that the builder would have opened."""

    @contextlib.contextmanager
    def starting(plan: Plan, files: Mapping[str, int]) -> Iterator[Machine]:
        with contextlib.ExitStack() as stack:
            ours, theirs = _sockets(plan, stack)
            helpers = [
                _spawn(one.argv, {d.number: theirs[d.name] for d in one.descriptors}, tmp_path)
                for one in plan.helpers
            ]
            numbers = {one.number: {**files, **theirs}[one.name] for one in plan.descriptors}
            pid = _spawn(plan.argv, numbers, tmp_path)
            stack.callback(_reap, [pid, *helpers])
            for fd in theirs.values():
                os.close(fd)
            ours["monitor"].settimeout(60)
            machine = Machine(
                pid=pid,
                monitor=ours["monitor"],
                peers=ours,
                stderr=tmp_path / f"{pid}.stderr",
                helpers=tuple(helpers),
            )
            assert "QMP" in machine.line(), machine.stderr.read_text()
            machine.execute("qmp_capabilities")
            yield machine

    return starting


def _sockets(
    plan: Plan, stack: contextlib.ExitStack
) -> tuple[dict[str, socket.socket], dict[str, int]]:
    ours, theirs = {}, {}
    for one in plan.descriptors:
        if one.number == DEBUG_MONITOR:
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind("")
            listener.listen()
            ours[one.name], theirs[one.name] = listener, os.dup(listener.fileno())
        elif one.name in _RESIDENT_MADE:
            left, right = socket.socketpair()
            ours[one.name] = stack.enter_context(left)
            theirs[one.name] = right.detach()
    if "tpm" in ours:
        theirs["tpm-peer"] = ours.pop("tpm").detach()
    return ours, theirs


def _spawn(argv: tuple[str, ...], numbers: Mapping[int, int], folder: Path) -> int:
    moved = {
        number: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _CLEAR) for number, fd in numbers.items()
    }
    log = os.open(folder / "stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    actions: list[Any] = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in moved.items()]
    actions.append((os.POSIX_SPAWN_DUP2, log, 2))
    pid = os.posix_spawnp(argv[0], list(argv), dict(os.environ), file_actions=actions)
    for fd in (*moved.values(), log):
        os.close(fd)
    (folder / "stderr").rename(folder / f"{pid}.stderr")
    return pid


def _reap(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, 9)
            os.waitpid(pid, 0)


@pytest.fixture
def tap() -> Iterator[Callable[[int], list[int]]]:
    """Opens a tap with so many queues; it vanishes with its last descriptor. Needs root."""
    with contextlib.ExitStack() as stack:

        def opened(queues: int) -> list[int]:
            fds, name = [], b"kmtest%d"
            for _ in range(queues):
                fds.append(os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC))
                stack.callback(os.close, fds[-1])
                flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (IFF_MULTI_QUEUE if queues > 1 else 0)
                request = struct.pack("16sH22x", name, flags)
                name = fcntl.ioctl(fds[-1], TUNSETIFF, request)[:16]
            return fds

        yield opened
