"""The node's devices: made where they are missing, and heard when they come."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from virtoperator.handler.node import devices

pytestmark = pytest.mark.root
TUN = Path("/sys/devices/virtual/misc/tun/uevent")
KVM = Path("/sys/devices/virtual/misc/kvm/uevent")


def test_the_tun_device_is_made_once(tmp_path: Path) -> None:
    devices.ensure_tun(tmp_path)
    devices.ensure_tun(tmp_path)
    made = (tmp_path / "net/tun").stat()
    assert stat.S_ISCHR(made.st_mode)
    assert made.st_rdev == os.makedev(10, 200)


@pytest.mark.skipif(not TUN.exists(), reason="this kernel has no tun")
async def test_a_device_that_comes_is_heard() -> None:
    heard = asyncio.Event()
    with devices.watching(heard.set):
        await asyncio.to_thread(TUN.write_text, "add")
        async with asyncio.timeout(20):
            await heard.wait()


@pytest.mark.skipif(not (TUN.exists() and KVM.exists()), reason="this kernel has no KVM")
async def test_a_change_is_no_news() -> None:
    """KVM says `change` for every VM."""
    heard: list[str] = []
    come = asyncio.Event()

    def changed() -> None:
        heard.append("changed")
        come.set()

    with devices.watching(changed):
        await asyncio.to_thread(KVM.write_text, "change")
        await asyncio.to_thread(TUN.write_text, "add")
        async with asyncio.timeout(20):
            await come.wait()
    assert heard == ["changed"]
