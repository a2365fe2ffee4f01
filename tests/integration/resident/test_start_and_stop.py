"""A real QEMU through its life: states, endings, exit statuses, and what is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from virtlauncher.errors import BadVolume, LaunchFailed, NotNow, Refused

if TYPE_CHECKING:
    from tests.integration.resident.conftest import Launchers, Plans

pytestmark = pytest.mark.qemu


async def test_the_calls_move_the_state(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        assert it.client.state["name"] == "created"
        started = await it.start(plans.qemu())
        assert started["state"]["name"] == "running"
        assert (await it.do("pause"))["state"]["reason"] == "user"
        assert (await it.do("reset"))["state"]["name"] == "paused"
        assert (await it.do("resume"))["state"]["name"] == "running"
        with pytest.raises(NotNow, match="started already"):
            await it.start(plans.qemu())
        await it.do("shutdown", grace=0)
        assert (await it.ended())["message"] == "QEMU was ended: it was asked to end at once."
    assert await it.exit_status() == 6


async def test_events_tell_the_story(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("power-off"))
        await it.ended()
        story = [e async for e in it.client.events() if e.name == "state"]
    assert [e.data["name"] for e in story] == [
        "building",
        "starting",
        "running",
        "stopping",
        "ended",
    ]


async def test_a_guest_that_powers_off_ends_the_launcher_well(
    launchers: Launchers, plans: Plans, tmp_path: Path
) -> None:
    words = tmp_path / "words"
    async with launchers("--termination-log", str(words)) as it:
        await it.start(plans.qemu("power-off"))
        assert await it.ended() == {
            "kind": "guest-shutdown",
            "code": 0,
            "signal": 0,
            "message": "The guest powered off.",
            "last_line": "",
        }
    assert await it.exit_status() == 0
    assert words.read_text() == "The guest powered off."


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_alone_powers_the_guest_down(
    launchers: Launchers, plans: Plans, number: signal.Signals
) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("obedient"))
        it.process.send_signal(number)
        assert (await it.ended())["kind"] == "guest-shutdown"
    assert await it.exit_status() == 0


async def test_a_deaf_guest_is_ended_after_its_grace_period(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("idle", grace=1))
        it.process.terminate()
        assert (await it.ended())["message"] == "QEMU was ended: its grace period of 1 s is over."
    assert await it.exit_status() == 6


async def test_a_shorter_grace_period_shortens_a_stop_under_way(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("idle"))
        await it.do("shutdown", grace=3000)
        await it.until("stopping")
        await it.do("shutdown", grace=0)
        assert (await it.ended())["kind"] == "killed"


async def test_a_paused_guest_is_let_go_to_hear_the_button(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("obedient"))
        await it.do("pause")
        await it.do("shutdown")
        assert (await it.ended())["kind"] == "guest-shutdown"


async def test_a_machine_that_starts_paused_waits_for_resume(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it:
        started = await it.start(plans.qemu("power-off", paused=True))
        assert (started["state"]["name"], started["state"]["reason"]) == (
            "paused",
            "start-strategy",
        )
        await it.do("resume")
        assert (await it.ended())["kind"] == "guest-shutdown"


async def test_the_power_button_is_pressed(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.qemu("obedient"))
        async with asyncio.timeout(60):
            while it.client.state["name"] == "running":  # The firmware does not hear it.
                await it.do("power_button")
                await asyncio.sleep(0.1)
        assert (await it.ended())["kind"] == "guest-shutdown"


async def test_qemu_killed_is_reported_with_its_last_line(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it:
        await it.start(plans.qemu())
        os.kill(it.qemu(), signal.SIGKILL)
        ending = await it.ended()
    assert (ending["kind"], ending["signal"], ending["message"]) == (
        "crashed",
        9,
        "QEMU died by itself (signal 9).",
    )
    assert await it.exit_status() == 4


async def test_kill_ends_qemu_at_once(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.qemu())
        await it.do("kill")
        ending = await it.ended()
    assert (ending["kind"], ending["signal"]) == ("killed", 9)


async def test_qemu_does_not_outlive_the_launcher(launchers: Launchers, plans: Plans) -> None:
    from tests.integration.resident.conftest import gone

    async with launchers() as it:
        await it.start(plans.qemu())
        pid = it.qemu()
        it.process.kill()
        await gone(pid)


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_nothing_is_left_behind(launchers: Launchers, plans: Plans, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay"
    overlay.touch()
    disk = {
        "volume": "v",
        "device": "d",
        "node": "n",
        "target": "vda",
        "bus": "sata",
        "size": 1,
        "format": "raw",
        "readonly": False,
        "files": [str(overlay)],
    }
    async with launchers() as it:
        await it.start(plans.qemu("power-off", disks=[disk]))
        pid = it.qemu()
        await it.ended()
    await it.exit_status()
    assert sorted(path.name for path in it.run_dir.iterdir()) == []
    assert not overlay.exists()
    assert not _exists(pid)


async def test_a_run_directory_has_one_launcher(launchers: Launchers) -> None:
    async with launchers() as it:
        second = launchers.spawn(it.run_dir)
        assert await asyncio.to_thread(second.wait, 60) == 2


async def test_a_dead_launchers_socket_is_no_obstacle(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        it.process.kill()
        await it.exit_status()
        assert it.control.is_socket()
    async with launchers() as it:
        await it.start(plans.qemu("power-off"))
        await it.ended()


async def test_a_socket_path_of_any_length_works(launchers: Launchers) -> None:
    long = "x" * 120
    async with launchers(name=long) as it:
        assert len(str(it.control)) > 107
        assert (await it.do("status"))["state"]["name"] == "created"


async def test_a_stop_before_the_start_ends_the_launcher(launchers: Launchers) -> None:
    async with launchers() as it:
        it.process.terminate()
        assert (await it.ended())["message"] == "The machine was stopped before it ran."
    assert await it.exit_status() == 6


async def test_what_the_builder_refuses_is_refused(launchers: Launchers) -> None:
    error = {"reason": "BadVolume", "message": "a symbolic link", "field": "spec.volumes[0]"}
    async with launchers() as it:
        with pytest.raises(BadVolume, match=r"spec.volumes\[0\]: a symbolic link"):
            await it.begin({"error": error})
        assert (await it.ended())["kind"] == "failed"
    assert await it.exit_status() == 3


@pytest.mark.parametrize(
    ("stub", "sentence"),
    [
        ({"dies": "Traceback: no"}, r"the builder ended \(exit status 1\): Traceback: no"),
        ({"plan": {"argv": 7}}, "the builder's plan is unusable: Plan.argv"),
        ({}, "the builder's plan is unusable"),
    ],
)
async def test_a_broken_builder_is_explained(
    launchers: Launchers, stub: dict[str, Any], sentence: str
) -> None:
    async with launchers() as it:
        with pytest.raises(LaunchFailed, match=sentence):
            await it.begin(stub)
    assert await it.exit_status() == 3


async def test_a_descriptor_that_nobody_brought_is_named(
    launchers: Launchers, plans: Plans
) -> None:
    plan = plans.qemu()
    plan["descriptors"].append({"name": "tap0", "number": 110})
    async with launchers() as it:
        with pytest.raises(Refused, match="descriptor 'tap0' did not come with the request"):
            await it.start(plan)


async def test_calls_before_the_start_say_so(launchers: Launchers) -> None:
    async with launchers() as it:
        for call in ("pause", "vnc", "screenshot", "stats", "power_button"):
            with pytest.raises(NotNow, match="there is no running machine: it is created"):
                await it.do(call)
