"""A broken or compromised QEMU is ended and explained; the launcher and its drivers go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.resident.conftest import gone, peak_memory
from virtlauncher.errors import LaunchFailed

if TYPE_CHECKING:
    from tests.integration.resident.conftest import Launchers, Plans

MEMORY_LIMIT = 60.0
"""MiB that the launcher may ever have taken: a giant line, the largest it takes, has 4."""


@pytest.mark.parametrize(
    ("when", "behaviour", "sentence"),
    [
        (
            "at-once",
            "abort",
            r"QEMU ended before the guest started \(signal 6\): qemu: it cannot go on",
        ),
        (
            "at-once",
            "exit_1",
            r"QEMU ended before the guest started \(exit status 1\): "
            r"qemu: a device\\x1b\[2J is wrong",
        ),
        ("at-once", "sleep", "QEMU did not greet in time and was killed"),
        ("at-once", "garbage", "QEMU did not start and was killed: QEMU's monitor does not greet"),
        ("at-once", "giant", "QEMU did not start and was killed: QEMU's monitor does not greet"),
        ("at-once", "storm", "QEMU did not start and was killed: QEMU's monitor does not greet"),
        ("at-once", "close", "QEMU did not start and was killed: QEMU's monitor does not greet"),
        ("after-greeting", "abort", r"QEMU ended before the guest started \(signal 6\)"),
        ("after-greeting", "exit_1", r"QEMU ended before the guest started \(exit status 1\)"),
        ("after-greeting", "garbage", "QEMU did not start and was killed"),
        ("after-greeting", "giant", "QEMU did not start and was killed"),
        ("after-greeting", "storm", "QEMU did not start and was killed"),
        ("after-greeting", "close", "QEMU did not start and was killed"),
    ],
)
async def test_a_start_that_fails_is_explained(
    launchers: Launchers, plans: Plans, when: str, behaviour: str, sentence: str
) -> None:
    async with launchers("--start-timeout", "10" if behaviour != "sleep" else "1") as it:
        with pytest.raises(LaunchFailed, match=sentence):
            await it.start(plans.fake(when, behaviour))
        assert (await it.ended())["kind"] == "failed"
        assert peak_memory(it.process.pid) < MEMORY_LIMIT
    assert await it.exit_status() == 3


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        ("garbage", "QEMU's monitor was lost: "),
        ("giant", "QEMU's monitor was lost: "),
        ("storm", "QEMU's monitor was lost: QEMU sent 50000 events in "),
        ("close", "QEMU's monitor was lost: it closed the connection"),
    ],
)
async def test_a_running_qemu_that_is_not_to_be_trusted_is_killed(
    launchers: Launchers, plans: Plans, behaviour: str, sentence: str
) -> None:
    async with launchers() as it:
        started = await it.start(plans.fake("after-start", behaviour))
        ending = await it.ended()
        assert (ending["kind"], ending["signal"]) == ("crashed", 9)
        assert ending["message"].startswith(sentence)
        assert peak_memory(it.process.pid) < MEMORY_LIMIT
        await gone(started["state"]["pid"])
    assert await it.exit_status() == 4


async def test_a_running_qemu_that_aborts_has_a_last_word(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it:
        await it.start(plans.fake("after-start", "abort"))
        ending = await it.ended()
    assert (ending["kind"], ending["signal"], ending["last_line"]) == (
        "crashed",
        6,
        "qemu: it cannot go on",
    )


async def test_a_chatty_qemu_fills_neither_log_nor_memory(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it:
        await it.start(plans.fake("after-start", "chatter"))
        for _ in range(100):
            assert (await it.do("status"))["state"]["name"] == "running"
        await it.do("kill")
        await it.ended()
        assert peak_memory(it.process.pid) < MEMORY_LIMIT
    await it.exit_status()
    log = (launchers.folder / "run.log").read_text()
    assert "lines of qemu were not logged" in log
    assert max(map(len, log.splitlines())) < 2200


async def test_a_qemu_that_obeys_nothing_is_killed_in_the_end(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it:
        await it.start(plans.fake("after-start", "mute"))
        await it.do("shutdown", grace=0)
        ending = await it.ended()
    assert (ending["kind"], ending["signal"], ending["message"]) == (
        "killed",
        9,
        "QEMU was ended: it was asked to end at once.",
    )
