"""The logins keep the conventions that KubeVirt's own tests rely on for Alpine and CirrOS."""

from __future__ import annotations

from pathlib import Path

import pytest

from images.guests.catalog import Guest
from tests.integration.guests.machine import direct, start_machine

pytestmark = [pytest.mark.qemu, pytest.mark.guest, pytest.mark.timeout(600)]


async def test_tiny_logs_root_in_like_alpine(tiny: Guest, tmp_path: Path) -> None:
    arguments = (*direct(tiny), "-nic", "user,model=virtio-net-pci")
    async with start_machine(tmp_path, *arguments) as machine:
        await machine.match("localhost login: $")
        machine.type("root\n")
        await machine.match(r"localhost:~# ")
        assert await machine.ask("hostname") == "localhost\n"
        assert await machine.ask("dmesg -n 1; echo $?") == "0\n"
        assert await machine.ask("stty -a | head -n 1; false") != ""
        assert await machine.ask("echo $?") == "1\n"
        assert "lo: <LOOPBACK" in await machine.ask("ip addr")
        assert "1 packets received" in await machine.ask("ping -c 1 127.0.0.1")
        assert "MOUNTPOINT" in await machine.ask("lsblk")
        assert "tmpfs on /tmp" in await machine.ask("mount")
        assert "Usage: blockdev" in await machine.ask("blockdev --help 2>&1")
        assert "MemTotal" in await machine.ask("cat /proc/meminfo")
        machine.type("poweroff\n")
        assert await machine.ended() == 0


async def test_cirros_asks_for_its_password_and_has_sudo(cirros: Guest, tmp_path: Path) -> None:
    async with start_machine(tmp_path, *direct(cirros)) as machine:
        await machine.match(
            r"login as 'cirros' user. default password: 'gocubsgo'. use 'sudo' for root."
        )
        await machine.match("cirros login: $")
        machine.type("cirros\n")
        await machine.match("Password: $")
        machine.type("gocubsgo\n")
        await machine.match(r"\n\$ ")
        assert await machine.ask("id -u") == "1000\n"
        assert await machine.ask("sudo id -u") == "0\n"
        machine.type("sudo poweroff\n")
        assert await machine.ended() == 0
