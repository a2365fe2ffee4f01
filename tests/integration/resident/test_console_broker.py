"""The serial console: the ring, several clients, slow ones, keys, and a log that cannot grow."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.resident.conftest import peak_memory
from virtlauncher.errors import NotNow
from virtlauncher.resident.console import BACKLOG_LIMIT, CLIENTS_LIMIT, RING_SIZE

if TYPE_CHECKING:
    from tests.integration.resident.conftest import Launchers, Plans

pytestmark = pytest.mark.qemu


async def _read(console: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = await asyncio.to_thread(console.recv, count - len(data))
        assert more, f"the console closed after {data!r}"
        data += more
    return data


async def test_what_one_types_all_see(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it, it.console() as one, it.console() as other:
        await it.start(plans.qemu("echo"))
        assert await _read(one, 1) == await _read(other, 1) == b">"
        one.sendall(b"hello")
        assert await _read(one, 5) == await _read(other, 5) == b"hello"
        other.sendall(b"world")
        assert await _read(one, 5) == await _read(other, 5) == b"world"


async def test_who_comes_later_gets_the_newest_output_first(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it, it.console() as one:
        await it.start(plans.qemu("count"))
        await _read(one, 2 * RING_SIZE)
        async with it.console() as late:
            came = await _read(late, RING_SIZE + 10_000)
        assert came == bytes((came[0] + n) % 256 for n in range(len(came)))


async def test_a_client_that_does_not_read_holds_nobody_up(
    launchers: Launchers, plans: Plans
) -> None:
    """Neither the guest nor another client, and it costs a bounded amount of memory."""
    async with launchers() as it, it.console() as slow:
        await it.start(plans.qemu("flood"))
        async with it.console() as quick:
            await _read(quick, 4 * BACKLOG_LIMIT)
        assert await _read(slow, BACKLOG_LIMIT) == b"A" * BACKLOG_LIMIT
        assert peak_memory(it.process.pid) < 60
        slow.close()
        await it.do("kill")
        await it.ended()
    await it.exit_status()
    log = (launchers.folder / "run.log").read_text()
    assert "a slow console client lost" in log


async def test_a_client_that_leaves_is_forgotten(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("echo"))
        for _ in range(2 * CLIENTS_LIMIT):
            async with it.console() as console:
                console.sendall(b"x")
                console.shutdown(socket.SHUT_WR)
                while await asyncio.to_thread(console.recv, 65536):
                    pass


async def test_there_is_a_limit_of_clients(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("echo"))
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(CLIENTS_LIMIT):
                await stack.enter_async_context(it.console())
            with pytest.raises(NotNow, match=f"there are {CLIENTS_LIMIT} console clients"):
                await it.do("console")


async def test_a_guest_that_does_not_read_keys_costs_no_memory(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it, it.console() as console:
        await it.start(plans.qemu("idle"))
        console.setblocking(False)
        sent = 0
        with pytest.raises(BlockingIOError):  # In the end the client is not read any more.
            while sent < 1 << 24:
                sent += console.send(b"k" * 65536)
                assert (await it.do("status"))["state"]["name"] == "running"
        assert peak_memory(it.process.pid) < 60


async def test_the_guests_last_words_are_read(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it, it.console() as console:
        await it.start(plans.qemu("greeter"))
        assert await _read(console, 1) == b"B"
        await it.do("shutdown")
        await it.ended()
        assert await asyncio.to_thread(console.recv, 1) == b""
    assert (it.run_dir / "console.log").read_bytes() == b"B"


async def test_the_log_has_a_bound(launchers: Launchers, plans: Plans) -> None:
    async with launchers("--console-log-max", "100000") as it, it.console() as console:
        await it.start(plans.qemu("flood"))
        await _read(console, 300_000)
        await it.do("kill")
        await it.ended()
    sizes = {path.name: path.stat().st_size for path in _logs(it.run_dir)}
    assert sizes["console.log.1"] == 50_000
    assert sizes["console.log"] <= 50_000


async def test_no_log_is_kept_of_a_machine_that_wants_none(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it, it.console() as console:
        await it.start(plans.qemu("greeter", log_serial=False))
        assert await _read(console, 1) == b"B"
        assert _logs(it.run_dir) == []


async def test_a_log_that_cannot_be_written_is_no_reason_to_stop(
    launchers: Launchers, plans: Plans, tmp_path: Path
) -> None:
    async with launchers() as it, it.console() as console:
        (it.run_dir / "console.log").symlink_to(tmp_path / "elsewhere")
        await it.start(plans.qemu("echo"))
        assert await _read(console, 1) == b">"
        console.sendall(b"hello")
        assert await _read(console, 5) == b"hello"
        assert not (tmp_path / "elsewhere").exists()
    assert "console.log is not written" in (launchers.folder / "run.log").read_text()


def _logs(run_dir: Path) -> list[Path]:
    return sorted(run_dir.glob("console.log*"))
