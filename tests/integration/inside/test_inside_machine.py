"""`machine`, and the door through which all of them ask."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.inside.conftest import Launchers, Plans, run

pytestmark = pytest.mark.qemu


async def test_a_machine_is_described(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        plan = plans.qemu("idle")
        await it.start(plan)
        answer = json.loads((await run("machine", it.run_dir, "--output", "json")).stdout)
        assert answer["state"] == it.client.state
        assert (answer["qemu"], answer["argv"]) == ("7.2.0", plan["argv"])
        assert [(child["name"], child["pid"]) for child in answer["children"]] == [
            ("qemu", it.qemu())
        ]
        assert answer["launcher"]["pid"] == it.process.pid
        assert answer["launcher"]["uptime"] >= answer["children"][0]["uptime"] > 0
        assert answer["children"][0]["rss"] > answer["launcher"]["rss"] > 1 << 20
        text = (await run("machine", it.run_dir)).stdout
        assert text.startswith("phase      running since ")
        assert "    -m 32 \\\n" in text


async def test_a_machine_that_was_not_started_is_described(launchers: Launchers) -> None:
    async with launchers() as it:
        done = await run("machine", it.run_dir)
        assert done.returncode == 0
        assert "phase      created since" in done.stdout
        assert "QEMU       not started yet" in done.stdout


@contextlib.contextmanager
def _visit(run_dir: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(str(run_dir / "inside.sock"))
        yield sock


@pytest.mark.parametrize(
    "question",
    [
        b"{}\n",
        b'{"call": "kill"}\n',
        b'{"call": "start", "args": {}}\n',
        b'{"call": ["machine"]}\n',
    ],
)
async def test_the_door_answers_no_other_question(launchers: Launchers, question: bytes) -> None:
    async with launchers() as it:
        with _visit(it.run_dir) as sock:
            sock.sendall(question)
            answer = json.loads(await asyncio.to_thread(sock.recv, 4096))
            assert answer["error"]["reason"] == "Refused"
            assert await asyncio.to_thread(sock.recv, 1) == b""
        assert it.client.state["name"] == "created"


@pytest.mark.parametrize("question", [b"nonsense\n", b'{"call": "machine"', b"[1]\n", b"A" * 9999])
async def test_a_visitor_that_makes_no_sense_is_sent_away(
    launchers: Launchers, question: bytes
) -> None:
    async with launchers() as it:
        with _visit(it.run_dir) as sock:
            sock.sendall(question)
            sock.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.to_thread(sock.recv, 1) == b""
        assert (await run("machine", it.run_dir)).returncode == 0


async def test_a_descriptor_is_not_taken_at_the_door(launchers: Launchers) -> None:
    async with launchers() as it:
        with _visit(it.run_dir) as sock:
            socket.send_fds(sock, [b'{"call": "machine"}\n'], [sock.fileno()])
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.to_thread(sock.recv, 1) == b""


def _open_to_all(path: Path) -> None:
    path.chmod(0o777)
    for folder in path.parents:
        if not folder.stat().st_mode & 0o001:
            folder.chmod(0o711)


@pytest.mark.root
async def test_another_user_is_sent_away(launchers: Launchers, tmp_path: Path) -> None:
    async with launchers() as it:
        _open_to_all(it.run_dir / "inside.sock")
        code = (
            "import socket,sys\n"
            "s=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1])\n"
            "s.settimeout(60)\n"
            "try: print(s.recv(1))\n"
            "except ConnectionResetError: print(b'')\n"
        )
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--reuid=107", "--regid=107", "--clear-groups"),
            *("python3", "-c", code, str(it.run_dir / "inside.sock")),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        assert (process.returncode, output) == (0, b"b''\n")


@pytest.mark.parametrize("command", ["qmp", "console", "machine", "console_log"])
async def test_the_commands_explain_themselves(command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"virtlauncher.inside.{command}", "--help"),
        stdout=asyncio.subprocess.PIPE,
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0
    assert output.lower().startswith("usage: ") and "exit status:" in output
