"""virt-handler and a real launcher: started, followed, adopted, and its end understood."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest

from images.guests.catalog import Guest
from tests.integration.handler.conftest import console_has, following
from tests.integration.handler.podlike import PodLike, a_vmi, pod_like, qemu_of
from tests.integration.netplumb.pods import POD
from virtoperator.handler.seen import Name, Reach
from virtoperator.handler.starting import Starter

pytestmark = [pytest.mark.root, pytest.mark.qemu, pytest.mark.timeout(240)]


@pytest.mark.guest
async def test_a_vm_starts_gets_its_lease_and_powers_off(pod: PodLike, starter: Starter) -> None:
    async with following(pod) as it:
        await it.until(lambda seen: seen.reach is Reach.CONNECTED)
        assert it.seen.machine.name is Name.CREATED
        it.link.begin(starter, a_vmi(pod))
        seen = await it.until(lambda seen: seen.machine.name is Name.RUNNING and seen.addresses)
        assert seen.addresses == POD
        assert [nic.name for nic in seen.device.nics] == ["default"]
        assert seen.device.abi["machine"].startswith("pc-q35-")
        await console_has(pod, "kubemu-guest: ready")
        await console_has(pod, "10.0.2.2")
        await it.link.call("shutdown", {"grace": 60})
        seen = await it.until(lambda seen: seen.reach is Reach.GONE)
        assert seen.machine.ending is not None
        assert seen.machine.ending.kind == "guest-shutdown"


@pytest.mark.guest
async def test_a_guest_on_a_bridge_has_the_pods_address(pod: PodLike, starter: Starter) -> None:
    vmi = a_vmi(pod)
    vmi["spec"]["domain"]["devices"]["interfaces"] = [{"name": "default", "bridge": {}}]
    async with following(pod) as it:
        await it.until(lambda seen: seen.reach is Reach.CONNECTED)
        it.link.begin(starter, vmi)
        seen = await it.until(lambda seen: seen.addresses)
        assert seen.addresses[0] == POD[0]
        await console_has(pod, f"ipv4={POD[0]}")


async def test_a_restarted_handler_adopts_what_runs(pod: PodLike, starter: Starter) -> None:
    async with following(pod) as first:
        await first.until(lambda seen: seen.reach is Reach.CONNECTED)
        first.link.begin(starter, a_vmi(pod))
        before = await first.until(lambda seen: seen.device.nics)
    async with following(pod) as second:
        after = await second.until(lambda seen: seen.reach is Reach.CONNECTED)
        assert after.machine.name is Name.RUNNING
        assert after.device == before.device
        await second.link.call("kill")
        await second.until(lambda seen: seen.reach is Reach.GONE)


async def test_what_a_kill_of_qemu_means_is_told(pod: PodLike, starter: Starter) -> None:
    async with following(pod) as it:
        await it.until(lambda seen: seen.reach is Reach.CONNECTED)
        it.link.begin(starter, a_vmi(pod))
        await it.until(lambda seen: seen.machine.name is Name.RUNNING)
        os.kill(qemu_of(pod), signal.SIGKILL)
        seen = await it.until(lambda seen: seen.machine.ending)
        assert seen.machine.ending is not None
        assert (seen.machine.ending.kind, seen.machine.ending.signal) == ("crashed", 9)
        assert not seen.oom_killed


async def test_a_launcher_that_is_killed_is_gone(pod: PodLike, starter: Starter) -> None:
    async with following(pod) as it:
        await it.until(lambda seen: seen.reach is Reach.CONNECTED)
        it.link.begin(starter, a_vmi(pod))
        await it.until(lambda seen: seen.machine.name is Name.RUNNING)
        pod.process.kill()
        seen = await it.until(lambda seen: seen.reach is Reach.GONE)
        assert seen.machine.ending is None


async def test_a_launcher_that_stands_still_is_ended_with_its_machine(
    pod: PodLike, starter: Starter
) -> None:
    async with following(pod) as it:
        await it.until(lambda seen: seen.reach is Reach.CONNECTED)
        it.link.begin(starter, a_vmi(pod))
        await it.until(lambda seen: seen.device.nics)
    pod.process.send_signal(signal.SIGSTOP)
    async with following(pod) as it:
        await it.until(lambda seen: "does not greet back" in seen.obstacle)
        await it.link.kill()
        await it.until(lambda seen: seen.reach is Reach.GONE)
    assert await asyncio.to_thread(pod.process.wait) == -signal.SIGKILL


async def test_a_vm_that_cannot_be_built_is_refused_for_good(
    pod: PodLike, starter: Starter
) -> None:
    vmi = a_vmi(pod)
    boot = vmi["spec"]["domain"]["firmware"]["kernelBoot"]["container"]
    boot["kernelPath"] = "/not-there"
    async with following(pod) as it:
        await it.until(lambda seen: seen.reach is Reach.CONNECTED)
        it.link.begin(starter, vmi)
        seen = await it.until(lambda seen: seen.trouble)
        assert seen.trouble is not None
        assert seen.trouble.final
        assert "not-there" in seen.trouble.message
        assert not seen.starting


async def test_a_network_that_is_not_there_is_tried_again(pod: PodLike, starter: Starter) -> None:
    pod.network.run("ip", "link", "set", "eth0", "name", "other0", check=False)
    pod.network.run("ip", "link", "del", "eth0", check=False)
    async with following(pod) as it:
        await it.until(lambda seen: seen.reach is Reach.CONNECTED)
        it.link.begin(starter, a_vmi(pod))
        seen = await it.until(lambda seen: seen.trouble)
        assert seen.trouble is not None
        assert not seen.trouble.final
        assert seen.trouble.reason == "PodDeviceMissing"
        assert seen.retry_at > 0
        assert seen.machine.name is Name.CREATED


async def test_a_strangers_socket_in_the_pods_folder_is_never_greeted(
    tmp_path: Path, guest: Guest
) -> None:
    with pod_like(tmp_path / "pods", guest) as pod:
        async with following(pod) as it:
            await it.until(lambda seen: seen.reach is Reach.CONNECTED)
        place = pod.sockets / "launcher.sock"
        place.unlink()
        os.chdir(pod.sockets)
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.bind("launcher.sock")
            os.chdir("/")
            stranger.listen(8)
            async with following(pod) as it:
                seen = await it.until(lambda seen: "is not in that pod" in seen.obstacle)
                assert seen.reach is Reach.CONNECTING
                theirs, _ = stranger.accept()
                with theirs:
                    assert theirs.recv(1) == b""
