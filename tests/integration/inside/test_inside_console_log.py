"""`guest-console-log`: the whole log, over changes of files, until the launcher ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.inside.conftest import Launchers, Plans, argv_of
from virtlauncher.inside.console_log import Log

pytestmark = pytest.mark.qemu


@contextlib.asynccontextmanager
async def _following(run_dir: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *argv_of("console_log", run_dir), stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_it_ends_with_the_launcher_and_misses_nothing(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it, _following(it.run_dir) as process:
        assert process.stdout is not None
        await it.start(plans.qemu("flood"))
        output = await process.stdout.readexactly(1)
        await it.do("kill")
        output += await process.stdout.read()
        assert await process.wait() == 0
    assert output == (it.run_dir / "console.log").read_bytes()


async def test_it_starts_before_the_launcher_and_after_it(
    launchers: Launchers, plans: Plans
) -> None:
    async with _following(launchers.folder / "run") as early, launchers() as it:
        await it.start(plans.qemu("echo"))
        async with it.console() as console:
            assert early.stdout is not None
            assert await early.stdout.readexactly(1) == b">"
            console.sendall(b"one")
            assert await early.stdout.readexactly(3) == b"one"
            async with _following(it.run_dir) as late:
                assert late.stdout is not None
                assert await late.stdout.readexactly(4) == b">one"
                console.sendall(b"two")
                assert await late.stdout.readexactly(3) == b"two"
                await it.do("kill")
                assert (await late.wait(), await early.wait()) == (0, 0)


async def test_sigterm_ends_it_at_once(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("flood"))
        # Not asyncio's: its `wait` waits for the pipe to be read, too.
        argv = argv_of("console_log", it.run_dir)
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:  # noqa: ASYNC220
            assert process.stdout is not None
            await asyncio.to_thread(os.read, process.stdout.fileno(), 1)
            process.send_signal(signal.SIGTERM)  # Its pipe is full: nobody reads.
            assert await asyncio.to_thread(process.wait) == 0


async def test_it_is_small(launchers: Launchers, plans: Plans) -> None:
    async with launchers("--console-log-max", "100000") as it:
        await it.start(plans.qemu("flood"))
        async with _following(it.run_dir) as process:
            assert process.stdout is not None
            await process.stdout.readexactly(1_000_000)
            assert _peak(process.pid) <= 11


def _peak(pid: int) -> float:
    """The most that a process ever had in memory, the interpreter's own pages included: MiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def test_files_may_change_in_between(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "console.log"
    log = Log(str(tmp_path))

    def shown() -> str:
        log.show()
        return capfd.readouterr().out

    def rotate(text: str) -> None:
        path.replace(tmp_path / "console.log.1")
        path.write_text(text)

    def append(text: str) -> None:
        with path.open("a") as file:
            file.write(text)

    assert shown() == ""
    path.write_text("a")
    rotate("b")
    assert shown() == "ab"
    append("c")
    assert shown() == "c"
    append("d")
    rotate("e")
    assert shown() == "de"
    rotate("f")
    rotate("g")
    assert shown() == "fg"
    path.replace(tmp_path / "console.log.1")  # The new file is not there yet.
    assert shown() == ""
    path.write_text("h")
    assert shown() == "h"
