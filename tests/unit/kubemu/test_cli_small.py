"""Arguments, ages, tails, the terminal: the small parts."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import pty
import socket
import termios
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import kubemu
from kubemu import say, tail, terminal
from kubemu.commands.guest_info import render_info
from kubemu.exits import Exit, epilog
from kubemu.view import render_age, render_size, render_table


@pytest.mark.parametrize(
    ("since", "age"),
    [
        ("2026-01-01T11:59:55Z", "5s"),
        ("2026-01-01T11:58:30Z", "90s"),
        ("2026-01-01T11:30:00Z", "30m"),
        ("2026-01-01T07:00:00Z", "5h"),
        ("2025-12-25T12:00:00Z", "7d"),
        ("2026-01-01T12:00:30Z", "0s"),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_ages_are_short(since: str, age: str) -> None:
    assert render_age(since, datetime(2026, 1, 1, 12, tzinfo=UTC)) == age


def test_sizes_look_as_in_manifests() -> None:
    assert [render_size(n) for n in (128 << 20, 2 << 30, 1536 << 20, 128 * 10**6, 7, 0)] == [
        "128Mi",
        "2Gi",
        "1536Mi",
        "128M",
        "7",
        "0",
    ]


def test_a_table_has_no_spaces_at_its_ends() -> None:
    assert render_table([("A", "BB", ""), ("long", "b", "c")]) == ["A     BB", "long  b   c"]


def test_the_version_is_that_of_the_distribution() -> None:
    assert kubemu.__version__ == importlib.metadata.version("kubemu")


def test_every_exit_status_is_explained() -> None:
    text = epilog()
    assert all(f"{status.value}  {status.meaning}" in text for status in Exit)


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert say.clean("a\x1b[31mb\x9bc\rd\te\n") == "a�[31mb�c�d\te\n"


def test_odd_answers_of_an_agent_are_left_out() -> None:
    info = {
        "hostname": {"host-name": "tiny"},
        "os": None,
        "users": "nobody",
        "interfaces": [
            {"name": "eth0", "ip-addresses": [{"ip-address": "10.0.2.2", "prefix": 24}]},
            3,
        ],
        "filesystems": [{"mountpoint": "/", "type": "ext4", "used-bytes": 1, "total-bytes": 2}],
    }
    assert render_info(info) == [
        "hostname:    tiny",
        "interface:   eth0  10.0.2.2/24",
        "filesystem:  / (ext4) 1 of 2 bytes used",
    ]


def test_a_file_is_read_to_its_end_and_through_rotations(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("one\n")
    steps = iter((b"two\n", b"rotate", b"three\n"))

    def goes_on() -> bool:
        match next(steps, None):
            case None:
                return False
            case b"rotate":
                path.rename(tmp_path / "log.1")
                path.write_text("new\n")
            case data:
                with path.open("ab") as file:
                    file.write(data)
        return True

    assert list(tail.lines(tail.tail(path, goes_on))) == ["one", "two", "new", "three"]
    assert list(tail.tail(tmp_path / "absent", lambda: False)) == []
    assert list(tail.lines(iter([b"a", b"b\nc"]))) == ["ab", "c"]


@pytest.fixture
def screen() -> Iterator[tuple[int, int]]:
    """The two ends of a pseudo terminal: the person's, and the program's."""
    person, program = pty.openpty()
    yield person, program
    os.close(person)
    os.close(program)


def test_a_terminal_is_raw_only_as_long_as_needed(screen: tuple[int, int]) -> None:
    _, program = screen
    before = termios.tcgetattr(program)
    with pytest.raises(RuntimeError), terminal.raw_terminal(program):
        raw = termios.tcgetattr(program)
        raise RuntimeError
    assert (raw[3] & termios.ECHO, raw[3] & termios.ISIG, raw[1] & termios.OPOST) == (0, 0, 1)
    assert termios.tcgetattr(program) == before


async def test_keys_and_output_are_relayed_until_the_escape(screen: tuple[int, int]) -> None:
    person, program = screen
    ours, guest = socket.socketpair()
    with ours, guest, terminal.raw_terminal(program):
        session = asyncio.create_task(terminal.relay(ours, program, program))
        guest.sendall(b"login: ")
        assert await asyncio.to_thread(os.read, person, 100) == b"login: "
        os.write(person, b"root\r\x03")
        assert await asyncio.to_thread(guest.recv, 100) == b"root\r\x03"
        os.write(person, b"more\x1dlost")
        assert await session is terminal.Left.DETACHED
        assert await asyncio.to_thread(guest.recv, 100) == b"more"


async def test_a_console_that_closes_ends_the_session(tmp_path: Path) -> None:
    ours, guest = socket.socketpair()
    with ours, (tmp_path / "out").open("wb") as out:
        with guest:
            guest.sendall(b"bye")
        assert await terminal.relay(ours, None, out.fileno()) is terminal.Left.CLOSED
    assert (tmp_path / "out").read_bytes() == b"bye"


async def test_a_closed_screen_does_not_hold_the_guest_up() -> None:
    ours, guest = socket.socketpair()
    reader, writer = os.pipe()
    os.close(reader)
    with ours, guest:
        session = asyncio.create_task(terminal.relay(ours, None, writer))
        await asyncio.to_thread(guest.sendall, b"x" * (1 << 22))
        guest.close()
        assert await session is terminal.Left.CLOSED
    os.close(writer)
