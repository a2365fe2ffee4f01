"""A launcher may say anything; its own VMI is all that it can spoil."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from images.guests import catalog
from tests.integration.handler.conftest import following
from tests.integration.handler.podlike import PodLike
from virtoperator.handler.guest import Guest, GuestNic
from virtoperator.handler.seen import Device, Disk, Name, Reach

pytestmark = [pytest.mark.root, pytest.mark.timeout(120)]
ODD = Path(__file__).with_name("odd_launcher.py")


@pytest.fixture
def taken_over(tmp_path: Path, guest: catalog.Guest) -> Iterator[Callable[[str], PodLike]]:
    """A pod whose launcher behaves so."""
    started: list[PodLike] = []

    def start(behaviour: str) -> PodLike:
        pod = PodLike(tmp_path / "pods", {"kernel-boot": guest.folder})
        pod.argv = (sys.executable, str(ODD), str(pod.sockets / "launcher.sock"), behaviour)
        started.append(pod.__enter__())
        return pod

    yield start
    for pod in started:
        pod.__exit__()


@pytest.mark.parametrize(
    ("behaviour", "obstacle"),
    [
        ("no-json", "not JSON"),
        ("wrong-hello", "is not understood"),
        ("long-line", "a line longer than"),
    ],
)
async def test_what_breaks_the_protocol_is_an_obstacle(
    taken_over: Callable[[str], PodLike], behaviour: str, obstacle: str
) -> None:
    async with following(taken_over(behaviour)) as it:
        seen = await it.until(lambda seen: obstacle in seen.obstacle)
        assert seen.reach is Reach.CONNECTING
        assert seen.machine.ending is None


async def test_what_has_wrong_types_is_not_there(taken_over: Callable[[str], PodLike]) -> None:
    async with following(taken_over("wrong-types")) as it:
        seen = await it.until(lambda seen: seen.io_error)
        assert seen.reach is Reach.CONNECTED
        assert (seen.machine.name, seen.machine.reason, seen.machine.agent) == (
            Name.UNKNOWN,
            "",
            False,
        )
        assert seen.device == Device(disks=(Disk(volume="", target="", size=0),))
        assert seen.io_error is not None
        assert seen.io_error.volume == ""


async def test_a_launcher_that_floods_us_is_left_for_a_while(
    taken_over: Callable[[str], PodLike],
) -> None:
    async with following(taken_over("flood")) as it:
        await it.until(lambda seen: "floods us" in seen.obstacle)
        assert it.seen.reach is Reach.CONNECTING


async def test_what_an_agent_knows_is_taken_in(taken_over: Callable[[str], PodLike]) -> None:
    async with following(taken_over("agent")) as it:
        seen = await it.until(lambda seen: seen.guest)
        nics = (GuestNic(name="eth0", mac="02:00:00:00:00:01", addresses=()),)
        assert seen.guest == Guest(os={"id": "debian"}, nics=nics)
