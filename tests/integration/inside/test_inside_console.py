"""`console` on a terminal, and for a program."""

from __future__ import annotations

import asyncio
import contextlib
import shlex

import pytest

from tests.integration.inside.conftest import (
    Launchers,
    Plans,
    argv_of,
    open_terminal,
    run,
)

pytestmark = pytest.mark.qemu


async def test_keys_reach_the_guest_and_the_escape_leaves_it(
    launchers: Launchers, plans: Plans, terminals: contextlib.ExitStack
) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("echo"))
        first = open_terminal(terminals, argv_of("console", it.run_dir))
        await first.until(b">")
        first.type(b"hello\x03")  # Ctrl+C is the guest's too.
        await first.until(b"hello\x03")
        second = open_terminal(terminals, argv_of("console", it.run_dir))
        await second.until(b"hello\x03")  # What was written last.
        second.type(b"world")
        await first.until(b"world")
        first.type(b"\x1d")
        assert await first.left() == 0
        second.type(b"still here")
        await second.until(b"still here")
        assert it.client.state["name"] == "running"


async def test_the_guests_end_is_the_consoles_end(
    launchers: Launchers, plans: Plans, terminals: contextlib.ExitStack
) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("idle"))
        console = open_terminal(terminals, argv_of("console", it.run_dir))
        await console.until(b"leaves")
        await it.do("kill")
        await console.until(b"the console is closed")
        assert await console.left() == 0


async def test_a_console_may_be_there_before_the_machine(
    launchers: Launchers, plans: Plans, terminals: contextlib.ExitStack
) -> None:
    async with launchers() as it:
        console = open_terminal(terminals, argv_of("console", it.run_dir))
        await console.until(b"leaves")
        await it.start(plans.qemu("flood"))
        await console.until(b"AAAA")


async def test_without_a_terminal_the_output_is_shown(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("flood"))
        command = shlex.join(argv_of("console", it.run_dir))
        process = await asyncio.create_subprocess_exec(
            *("bash", "-o", "pipefail", "-c", f"{command} </dev/null | head -c 100000"),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        assert (process.returncode, output) == (0, b"A" * 100_000)


async def test_a_machine_without_a_console_says_so(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.qemu(serial=False))
        done = await run("console", it.run_dir)
        assert (done.returncode, done.stderr) == (
            1,
            "console: the VM has no serial console (autoattachSerialConsole is false)\n",
        )
