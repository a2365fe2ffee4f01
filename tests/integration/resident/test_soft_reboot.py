"""A soft reboot by the power button: the guest powers off, and starts again in the same QEMU."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from images.guests import catalog
from virtlauncher.errors import NotNow

if TYPE_CHECKING:
    from tests.integration.resident.conftest import Launchers, Plans

pytestmark = pytest.mark.qemu


async def _booted(console: socket.socket) -> None:
    assert await asyncio.to_thread(console.recv, 1) == b"B"


async def test_the_guest_powers_off_and_starts_again(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it, it.console() as console:
        await it.start(plans.qemu("greeter"))
        await _booted(console)
        pid = it.qemu()
        for _ in range(2):
            assert await it.do("soft_reboot") == {"by": "acpi"}
            await _booted(console)
        status = await it.do("status")
        assert (status["state"]["name"], status["state"]["pid"]) == ("running", pid)
        await it.do("shutdown")  # A power-off is a power-off again.
        assert (await it.ended())["kind"] == "guest-shutdown"


async def test_a_button_that_nobody_heard_is_pressed_again(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it, it.console() as console:
        await it.start(plans.qemu("greeter"))
        assert await it.do("soft_reboot") == {"by": "acpi"}  # To the firmware, which has no ears.
        with pytest.raises(NotNow, match="a soft reboot is under way"):
            await it.do("soft_reboot")
        await _booted(console)
        await _booted(console)


async def test_a_stop_in_between_ends_the_machine(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("idle"))
        await it.do("soft_reboot")
        await it.do("shutdown", grace=1)
        assert (await it.ended())["kind"] == "killed"


async def test_without_agent_and_acpi_there_is_no_soft_reboot(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("idle", acpi=False))
        with pytest.raises(NotNow, match="neither a connected guest agent nor the ACPI feature"):
            await it.do("soft_reboot")


@pytest.mark.guest
async def test_a_linux_guest_starts_again(launchers: Launchers, plans: Plans) -> None:
    tiny = catalog.build(catalog.GuestName.TINY)
    linux = ["-kernel", str(tiny.kernel), "-initrd", str(tiny.initrd)]
    linux += ["-append", "console=ttyS0 quiet", "-m", "128"]
    async with launchers() as it, it.console() as console:
        await it.start(plans.qemu("", *linux))
        for _ in range(2):
            await _read_to(console, b"kubemu-guest: ready")
            assert await it.do("soft_reboot") == {"by": "acpi"}
        await _read_to(console, b"kubemu-guest: ready")
        assert (await it.do("status"))["state"]["name"] == "running"


async def _read_to(console: socket.socket, words: bytes) -> None:
    seen = b""
    async with asyncio.timeout(100):
        while words not in seen:
            seen += await asyncio.to_thread(console.recv, 4096)
