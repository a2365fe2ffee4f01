"""The display by descriptor: a VNC connection, and a picture."""

from __future__ import annotations

import asyncio
import base64
import socket
import struct
from typing import TYPE_CHECKING

import pytest

from tests.integration.resident.conftest import PATIENCE, descriptors_of
from virtlauncher.errors import MonitorError, NotNow

if TYPE_CHECKING:
    from tests.integration.resident.conftest import Launched, Launchers, Plans

pytestmark = pytest.mark.qemu

VGA = ("-device", "VGA,id=video0")


async def _viewer(it: Launched) -> socket.socket:
    reply = await it.client.call("vnc", within=PATIENCE)
    sock = socket.socket(fileno=reply.fds["vnc"])
    sock.settimeout(PATIENCE)
    return sock


def _shake_hands(sock: socket.socket) -> tuple[int, int]:
    """RFB 3.8 without authentication; the size of the screen."""
    stream = sock.makefile("rwb", buffering=0)
    assert stream.read(12) == b"RFB 003.008\n"
    stream.write(b"RFB 003.008\n")
    count = stream.read(1)[0]
    assert b"\x01" in stream.read(count)
    stream.write(b"\x01")
    assert stream.read(4) == b"\0\0\0\0"
    stream.write(b"\x01")  # Others may stay.
    width, height = struct.unpack(">HH", stream.read(4))
    return width, height


async def test_several_viewers_see_the_screen(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("idle", *VGA))
        with await _viewer(it) as one, await _viewer(it) as other:
            width, height = await asyncio.to_thread(_shake_hands, one)
            assert width >= 640 and height >= 400
            await asyncio.to_thread(_shake_hands, other)
        await it.do("kill")
        await it.ended()


async def test_a_viewer_sees_the_end(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("idle", *VGA))
        with await _viewer(it) as viewer:
            await asyncio.to_thread(_shake_hands, viewer)
            await it.do("kill")
            while await asyncio.to_thread(viewer.recv, 65536):
                pass


async def test_a_picture_is_a_png_of_the_screen(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("idle", *VGA))
        before = descriptors_of(it.process.pid), descriptors_of(it.qemu())
        for _ in range(3):
            picture = await it.do("screenshot")
        png = base64.b64decode(picture["png"])
        assert png.startswith(b"\x89PNG\r\n\x1a\n") and png.endswith(b"IEND\xaeB`\x82")
        assert struct.unpack(">II", png[16:24]) == (picture["width"], picture["height"])
        assert picture["width"] >= 640
        after = descriptors_of(it.process.pid), descriptors_of(it.qemu())
        assert [len(one) for one in after] == [len(one) for one in before]


async def test_a_machine_without_a_display_says_so(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("idle", vnc=False))
        with pytest.raises(NotNow, match="the VM has no display"):
            await it.do("vnc")
        with pytest.raises(MonitorError):
            await it.do("screenshot")
