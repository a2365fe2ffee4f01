"""A tiny guest, what its QEMU can do, and links to launchers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

import netplumb
from images.guests import catalog
from images.guests.catalog import Guest
from tests.integration.handler.podlike import PodLike, pod_like
from virtlauncher.probe.qemu import find_qemu, probe_qemu
from virtoperator.handler.ground import Devices, Ground
from virtoperator.handler.link import Link
from virtoperator.handler.seen import Seen
from virtoperator.handler.starting import Starter

LIMIT = 100.0


@pytest.fixture(scope="session")
def guest() -> Guest:
    return catalog.build("tiny")


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    qemu = probe_qemu(find_qemu(), tmp_path_factory.mktemp("probe"))
    return Ground(qemu=qemu, kvm=False, kvm_message="not proved here")


@pytest.fixture
def starter(ground: Ground) -> Starter:
    return Starter(
        ground=lambda: ground,
        use_emulation=lambda: True,
        plumb=netplumb.connect,
        devices=Devices(),
    )


@pytest.fixture
def pod(tmp_path: Path, guest: Guest) -> Iterator[PodLike]:
    with pod_like(tmp_path / "pods", guest) as pod:
        yield pod


class Followed:
    """A link that runs, and a way to wait for what it sees."""

    def __init__(self, pod: PodLike) -> None:
        self._news = asyncio.Event()
        self.link = Link(pod.uid, pod.pods, self._news.set)

    @property
    def seen(self) -> Seen:
        return self.link.seen

    async def until(self, question: Callable[[Seen], object]) -> Seen:
        """Wait until what is seen is so."""
        try:
            async with asyncio.timeout(LIMIT):
                while not question(self.seen):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"it has not come so far: {self.seen}") from None
        return self.seen


@contextlib.asynccontextmanager
async def following(pod: PodLike) -> AsyncIterator[Followed]:
    followed = Followed(pod)
    task = asyncio.create_task(followed.link.run())
    try:
        yield followed
    finally:
        task.cancel()
        await asyncio.wait({task})


async def console_has(pod: PodLike, text: str) -> None:
    """Wait until the guest has printed `text`."""
    async with asyncio.timeout(LIMIT):
        while text not in pod.console:  # noqa: ASYNC110 (a file grows without telling)
            await asyncio.sleep(0.1)
