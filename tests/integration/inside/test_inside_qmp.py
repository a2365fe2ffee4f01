"""`qmp` on the second monitor of a real QEMU, while the launcher has the first."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from pathlib import Path

import pytest

from tests.integration.inside.conftest import Launchers, Plans, argv_of, open_terminal, run

pytestmark = pytest.mark.qemu


async def test_a_command_is_answered_in_json(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.qemu())
        done = await run("qmp", it.run_dir, "query-status")
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["status"] == "running"


async def test_arguments_reach_qemu_and_their_effect_the_driver(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it:
        await it.start(plans.qemu())
        info = await run("qmp", it.run_dir, "human-monitor-command", "command-line=info chardev")
        assert "serial0" in json.loads(info.stdout)
        await run("qmp", it.run_dir, "stop")
        await it.until("paused")


async def test_what_qemu_refuses_is_said_in_its_words(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.qemu())
        done = await run("qmp", it.run_dir, "device_del", "id=nobody")
        assert (done.returncode, done.stderr) == (1, "qmp: Device 'nobody' not found\n")
        done = await run("qmp", it.run_dir, "device_del", "nobody")
        assert (done.returncode, done.stderr) == (
            1,
            "qmp: 'nobody' is no argument (ARG=VALUE)\n",
        )


async def test_where_nothing_runs_that_is_said(launchers: Launchers, tmp_path: Path) -> None:
    for command in ("qmp", "console", "machine"):
        words = ["query-status"] if command == "qmp" else []
        done = await run(command, tmp_path / "nowhere", *words)
        assert (done.returncode, done.stderr) == (
            3,
            f"{command}: no launcher runs in {tmp_path}/nowhere\n",
        )
    async with launchers() as it:
        done = await run("qmp", it.run_dir, "query-status")
        assert (done.returncode, done.stderr) == (
            3,
            "qmp: there is no running machine: it is created\n",
        )


async def test_qemu_serves_one_session_and_the_next_is_told(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it:
        await it.start(plans.qemu())
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(str(it.run_dir / "qmp.sock"))
            await asyncio.to_thread(other.recv, 4096)
            done = await run("qmp", it.run_dir, "--wait=0.1", "query-status")
            assert done.returncode == 1
            assert "QEMU serves one session at a time" in done.stderr
        assert (await run("qmp", it.run_dir, "query-status")).returncode == 0


async def test_a_program_sends_a_command_a_line(launchers: Launchers, plans: Plans) -> None:
    lines = 'query-status\n# a remark\n\n{"execute": "query-name"}\nnonsense\n'
    async with launchers() as it:
        await it.start(plans.qemu())
        done = await run("qmp", it.run_dir, typed=lines)
        assert done.returncode == 1
        assert '"status": "running"' in done.stdout and done.stdout.endswith("{}\n")
        assert done.stderr == "qmp: The command nonsense has not been found\n"


async def test_a_person_has_a_prompt(
    launchers: Launchers, plans: Plans, terminals: contextlib.ExitStack
) -> None:
    async with launchers() as it:
        await it.start(plans.qemu())
        shell = open_terminal(terminals, argv_of("qmp", it.run_dir))
        assert b"Ctrl+D leaves" in await shell.until(b"(qmp) ")
        shell.type(b"query-sta\t\r")  # Tab completes: query-status and query-stats begin so.
        await shell.until(b"(qmp) ")
        shell.type(b"query-status\r")
        assert b'"status": "running"' in await shell.until(b"(qmp) ")
        shell.type(b"stop\r")
        assert b'event {"timestamp"' in (shown := await shell.until(b"(qmp) "))
        assert b'"event": "STOP"' in shown
        shell.type(b"nonsense\r")
        assert b"qmp: The command nonsense has not been found" in await shell.until(b"(qmp) ")
        shell.type(b"\x04")
        assert await shell.left() == 0
        assert it.client.state["name"] == "paused"


async def test_quit_ends_the_machine_and_the_shell(
    launchers: Launchers, plans: Plans, terminals: contextlib.ExitStack
) -> None:
    async with launchers() as it:
        await it.start(plans.qemu())
        shell = open_terminal(terminals, argv_of("qmp", it.run_dir))
        await shell.until(b"(qmp) ")
        shell.type(b"quit\r")
        assert (await it.ended())["kind"] == "killed"
        await shell.left()
