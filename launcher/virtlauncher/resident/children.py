"""The one door through which processes come to life here, and through which they leave.

The launcher may be the first process of its pod: it reaps every child, adopted orphans included.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from ..errors import LaunchFailed
from ..value import Value
from . import kernel
from .lines import Lines, Rate

T = TypeVar("T")

_log = logging.getLogger("virtlauncher.children")
_CHUNK = 16 * 1024
_DRAIN_LIMIT = 64
"""Chunks read after a child's end: somebody may have inherited its stderr, and go on writing."""


class Exit(Value):
    code: int
    """Exit status; 128 + signal when a signal ended it, as shells count."""
    signal: int = 0

    def __str__(self) -> str:
        return f"signal {self.signal}" if self.signal else f"exit status {self.code}"


class ChildEnded(Exception):
    """A child ended while something was awaited of it."""

    def __init__(self, child: Child, exit_: Exit) -> None:
        super().__init__(f"{child.name} ended ({exit_})")
        self.exit = exit_
        self.last_line = child.last_line


class Child:
    """A process of ours. `exited` gets its Exit when it is reaped and its output is read."""

    def __init__(self, name: str, pid: int, output: int) -> None:
        self.name = name
        self.pid = pid
        self.last_line = ""
        self.since = asyncio.get_running_loop().time()
        self.exited: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._output = output
        self._lines = Lines()
        self._rate = Rate()
        os.set_blocking(output, False)
        asyncio.get_running_loop().add_reader(output, self._read)

    def kill(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when it has ended (its pid is ours until it is reaped)."""
        if not self.exited.done():
            os.kill(self.pid, number)

    async def race(self, awaitable: Awaitable[T], within: float) -> T:
        """Wait for something that this child must live for: the only way to wait for QEMU.

        Raises ChildEnded when it ends first, TimeoutError after `within` seconds.
        """
        task = asyncio.ensure_future(awaitable)
        either: set[asyncio.Future[Any]] = {task, self.exited}
        try:
            await asyncio.wait(either, timeout=within, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if self.exited.done():
                raise ChildEnded(self, self.exited.result())
            raise TimeoutError
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def end(self, ladder: Sequence[signal.Signals], patience: float) -> Exit:
        """Signal after signal, `patience` seconds each, until it has ended."""
        for number in ladder:
            self.kill(number)
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(asyncio.shield(self.exited), patience)
        return await asyncio.shield(self.exited)

    def reaped(self, status: int) -> None:
        """Called once, with the status that waitpid gave."""
        for _ in range(_DRAIN_LIMIT):
            if not self._read():
                break
        self._note(self._lines.flush())
        self._close_output()
        code = os.waitstatus_to_exitcode(status)
        ended = Exit(code=128 - code, signal=-code) if code < 0 else Exit(code=code)
        _log.info("%s ended (%s)", self.name, ended, extra={"pid": self.pid})
        if self._rate.dropped:
            _log.warning("%d lines of %s were not logged", self._rate.dropped, self.name)
        self.exited.set_result(ended)

    def _read(self) -> bool:
        try:
            data = os.read(self._output, _CHUNK) if self._output >= 0 else b""
        except BlockingIOError:
            return False
        for line in self._lines.feed(data):
            self._note(line)
        if not data:
            self._close_output()
        return bool(data)

    def _note(self, line: str) -> None:
        if line:
            self.last_line = line
        if line and self._rate.admit(asyncio.get_running_loop().time()):
            _log.info("%s", line, extra={"program": self.name})

    def _close_output(self) -> None:
        if self._output >= 0:
            asyncio.get_running_loop().remove_reader(self._output)
            os.close(self._output)
            self._output = -1


class Children:
    """Every process that this one has to reap."""

    def __init__(self) -> None:
        self._alive: dict[int, Child] = {}

    def spawn(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        descriptors: Sequence[int] = (),
    ) -> Child:
        """Start a program that inherits `descriptors` under their numbers, and dies with us.

        It gets a session of its own, so that a terminal's Ctrl+C reaches only the launcher.
        Raises LaunchFailed when it cannot be executed.
        """
        output, theirs = os.pipe()
        try:
            process = subprocess.Popen(
                argv,
                env=dict(env),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                pass_fds=descriptors,
                start_new_session=True,
                preexec_fn=kernel.dying_with_parent(),
            )
        except OSError as error:
            os.close(output)
            raise LaunchFailed(f"{argv[0]} cannot be run: {error.strerror}") from error
        finally:
            os.close(theirs)
        process.returncode = 0  # `reap` learns the true one; this ends Popen's own interest.
        _log.info("%s started", name, extra={"pid": process.pid})
        return self.adopt(name, process.pid, output)

    def adopt(self, name: str, pid: int, output: int) -> Child:
        """A child that was started elsewhere; `output` is the reading end of its output.

        Before `reaping`, which takes a child that it does not know for somebody's orphan.
        """
        child = Child(name, pid, output)
        self._alive[pid] = child
        return child

    def alive(self) -> tuple[Child, ...]:
        """Those that have not been reaped, in the order of their birth."""
        return tuple(self._alive.values())

    @contextlib.contextmanager
    def reaping(self) -> Iterator[None]:
        """Reap as long as this lasts. At its end, kill and reap what is still there."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self.reap)
        try:
            self.reap()  # A child may have ended before anyone listened.
            yield
        finally:
            loop.remove_signal_handler(signal.SIGCHLD)
            for child in self._alive.values():
                child.kill(signal.SIGKILL)
            while self._alive:
                self._reap_one(0)

    def reap(self) -> None:
        """Take in every child that has ended, known or adopted."""
        while self._reap_one(os.WNOHANG):
            pass

    def _reap_one(self, options: int) -> bool:
        try:
            pid, status = os.waitpid(-1, options)
        except ChildProcessError:
            self._alive.clear()
            return False
        if (child := self._alive.pop(pid, None)) is not None:
            child.reaped(status)
        return pid != 0
