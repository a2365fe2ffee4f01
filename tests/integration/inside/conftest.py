"""The commands as `kubectl exec` would start them, against the resident tests' real launchers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.integration.resident.conftest import Launchers, Plans, launchers, plans

__all__ = ["Launchers", "Plans", "launchers", "plans"]

PATIENCE = 60.0


def argv_of(command: str, run_dir: Path, *words: str) -> list[str]:
    module = f"virtlauncher.inside.{command}"
    return [sys.executable, "-m", module, "--run-dir", str(run_dir), *words]


async def run(
    command: str, run_dir: Path, *words: str, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """A command to its end, with a pipe as its standard input."""
    return await asyncio.to_thread(
        subprocess.run,
        argv_of(command, run_dir, *words),
        input=typed,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._person, program = pty.openpty()
        self.process = subprocess.Popen(
            argv, stdin=program, stdout=program, stderr=program, start_new_session=True
        )
        os.close(program)
        self.shown = b""

    def type(self, keys: bytes) -> None:
        os.write(self._person, keys)

    async def until(self, words: bytes) -> bytes:
        """Wait until these words were shown; everything up to them is returned, once."""
        async with asyncio.timeout(PATIENCE):
            while words not in self.shown:
                self.shown += await asyncio.to_thread(self._read)
        before, found, self.shown = self.shown.partition(words)
        return before + found

    async def left(self) -> int:
        """The command's exit status, once it has ended."""
        return await asyncio.to_thread(self.process.wait, PATIENCE)

    def close(self) -> None:
        print(f"--- on the terminal: {self.shown!r}")
        self.process.kill()
        self.process.wait()
        os.close(self._person)

    def _read(self) -> bytes:
        try:
            return os.read(self._person, 65536)
        except OSError as error:
            raise AssertionError(f"the terminal closed after {self.shown!r}") from error


@pytest.fixture
def terminals() -> Iterator[contextlib.ExitStack]:
    """Where a test puts the terminals that it opens."""
    with contextlib.ExitStack() as stack:
        yield stack


def open_terminal(stack: contextlib.ExitStack, argv: Sequence[str]) -> Terminal:
    terminal = Terminal(argv)
    stack.callback(terminal.close)
    return terminal
