"""The tiny guest: what it reports is what is there."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import socket
import struct
import urllib.request
from pathlib import Path

import pytest

from images.guests.catalog import Guest
from images.guests.report import parse
from tests.integration.guests.machine import (
    LIMIT,
    Machine,
    direct,
    disk,
    start_machine,
    write_seed,
)

pytestmark = [pytest.mark.qemu, pytest.mark.guest, pytest.mark.timeout(600)]

SEED = {
    "meta-data": b'{"instance-id":"i-1","local-hostname":"web.example"}',
    "user-data": b'#!/bin/bash\necho "user-data on $(hostname)"\necho written >/dev/vda\n',
    "network-config": b"version: 2\n",
}
MEBIBYTE = 1 << 20
OVMF = "/usr/share/OVMF/OVMF"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def patterned(path: Path, size: int) -> Path:
    """A file whose blocks all differ, so that a wrong offset cannot go unseen."""
    path.write_bytes(b"".join(struct.pack("<Q", n) * 64 for n in range(size // 512)))
    return path


def files_of(machine: Machine, device: str) -> dict[str, str]:
    return {
        line.values["path"]: line.values["sha256"]
        for line in parse(machine.console)
        if line.kind == "file" and line.values["device"] == device
    }


async def test_a_kernel_boots_directly_and_reports_disks_and_seed(
    tiny: Guest, tmp_path: Path
) -> None:
    data = patterned(tmp_path / "data", 3 * MEBIBYTE)
    seed = write_seed(tmp_path / "seed.iso", "cidata", SEED)
    arguments = (*direct(tiny), *disk(data, "data"), *disk(seed, "seed"))
    async with start_machine(tmp_path, *arguments) as machine:
        await machine.line("ready")
        lines = {
            line.values["name"]: line.values
            for line in parse(machine.console)
            if line.kind == "disk"
        }
    assert lines == {
        "vda": {
            "name": "vda",
            "bus": "virtio",
            "size": str(3 * MEBIBYTE),
            "ro": "1",
            "removable": "0",
            "block": "512/512",
            "serial": "data",
            "label": "",
            "sha256": sha256(data.read_bytes()[:MEBIBYTE]),
        },
        "vdb": {
            "name": "vdb",
            "bus": "virtio",
            "size": str(seed.stat().st_size),
            "ro": "1",
            "removable": "0",
            "block": "512/512",
            "serial": "seed",
            "label": "cidata",
            "sha256": sha256(seed.read_bytes()[:MEBIBYTE]),
        },
    }
    assert files_of(machine, "vdb") == {name: sha256(data) for name, data in SEED.items()}
    assert "user-data on web\r\n" in machine.console


@pytest.mark.parametrize("kind", ["qcow2", "raw"])
async def test_a_disk_boots_by_bios_and_finds_every_bus(
    kind: str, tiny: Guest, tmp_path: Path
) -> None:
    root = tiny.qcow2 if kind == "qcow2" else tiny.raw
    data = patterned(tmp_path / "data", 2 * MEBIBYTE)
    seed = write_seed(tmp_path / "seed.iso", "cidata", SEED)
    arguments = (
        # SeaBIOS tries one hard disk only, an ATA one before others.
        *disk(root, "root", kind, "virtio-blk-pci,bootindex=0"),
        *("-device", "virtio-scsi-pci,id=scsi", "-device", "qemu-xhci,id=usb"),
        *disk(data, "ssd", device="ide-hd,bus=ide.1"),
        *disk(data, "lun", device="scsi-hd,bus=scsi.0"),
        *disk(data, "stick", device="usb-storage,bus=usb.0"),
        *disk(seed, "seed", device="ide-cd,bus=ide.2"),
    )
    async with start_machine(tmp_path, *arguments) as machine:
        await machine.line("ready")
        await machine.line("disk", bus="usb")
        found = {
            (line.values["bus"], line.values["serial"], line.values["size"], line.values["sha256"])
            for line in parse(machine.console)
            if line.kind == "disk"
        }
    first = sha256(data.read_bytes()[:MEBIBYTE])
    size = str(2 * MEBIBYTE)
    assert found == {
        ("virtio", "root", str(tiny.raw.stat().st_size), sha256(tiny.raw.read_bytes()[:MEBIBYTE])),
        ("sata", "ssd", size, first),
        ("scsi", "lun", size, first),
        ("usb", "stick", size, first),
        ("sata", "", str(seed.stat().st_size), sha256(seed.read_bytes()[:MEBIBYTE])),
    }
    assert files_of(machine, "sr0") == {name: sha256(data) for name, data in SEED.items()}


@pytest.mark.parametrize("firmware", ["", ".ms"], ids=["plain", "secure-boot"])
async def test_a_disk_boots_by_uefi_with_little_memory(
    firmware: str, tiny: Guest, tmp_path: Path
) -> None:
    variables = shutil.copyfile(f"{OVMF}_VARS_4M{firmware}.fd", tmp_path / "variables")
    protected = ("-global", "driver=cfi.pflash01,property=secure,value=on") if firmware else ()
    arguments = (
        *protected,
        *("-drive", f"if=pflash,format=raw,readonly=on,file={OVMF}_CODE_4M{firmware}.fd"),
        *("-drive", f"if=pflash,format=raw,file={variables}"),
        *disk(tiny.qcow2, "root", "qcow2"),
    )
    async with start_machine(tmp_path, *arguments, memory=256) as machine:
        up = await machine.line("up")
        await machine.line("ready")
    assert up.values["firmware"] == ("uefi-secure" if firmware else "uefi")


async def test_a_config_drive_is_a_seed_too(tiny: Guest, tmp_path: Path) -> None:
    files = {
        "openstack/latest/meta_data.json": b'{\n  "uuid": "u",\n  "hostname": "drive"\n}\n',
        "openstack/latest/user_data": b"#!/bin/sh\necho configured $(hostname)\nexit 3\n",
    }
    seed = write_seed(tmp_path / "seed.iso", "config-2", files)
    async with start_machine(tmp_path, *direct(tiny), *disk(seed, "seed")) as machine:
        result = await machine.line("user-data-exit")
    assert result.values == {"status": "3"}
    assert files_of(machine, "vda") == {name: sha256(data) for name, data in files.items()}
    assert "configured drive\r\n" in machine.console


async def test_user_data_writes_disks_and_powers_off(tiny: Guest, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(bytes(MEBIBYTE))
    script = b"#!/bin/sh\necho -n kept | dd of=/dev/vda conv=notrunc 2>/dev/null\npoweroff\n"
    seed = write_seed(tmp_path / "seed.iso", "cidata", {**SEED, "user-data": script})
    arguments = (
        *direct(tiny),
        *("-drive", f"if=none,id=t,file={target},format=raw", "-device", "virtio-blk-pci,drive=t"),
        *disk(seed, "seed"),
    )
    async with start_machine(tmp_path, *arguments) as machine:
        assert await machine.ended() == 0
    assert target.read_bytes() == b"kept" + bytes(MEBIBYTE - 4)


async def test_the_power_button_ends_the_guest(tiny: Guest, tmp_path: Path) -> None:
    async with start_machine(tmp_path, *direct(tiny)) as machine:
        await machine.line("ready")
        await machine.monitor.execute("system_powerdown")
        await machine.line("power-button")
        await machine.line("down")
        assert await machine.ended() == 0


async def test_a_guest_can_be_told_to_ignore_the_button(tiny: Guest, tmp_path: Path) -> None:
    async with start_machine(tmp_path, *direct(tiny, "kubemu.button=ignore")) as machine:
        ignored = await machine.line("power-button")
        await machine.monitor.execute("system_powerdown")
        await machine.match("localhost login: ")
    assert ignored.words == ("ignored",)


async def test_command_line_words_tick_and_power_off(tiny: Guest, tmp_path: Path) -> None:
    async with start_machine(tmp_path, *direct(tiny, "kubemu.tick=50")) as machine:
        await machine.match(r"kubemu-guest: tick 5\r")
    async with start_machine(tmp_path, *direct(tiny, "kubemu.poweroff")) as machine:
        assert await machine.ended() == 0


async def test_a_crash_reaches_the_panic_device(tiny: Guest, tmp_path: Path) -> None:
    arguments = (*direct(tiny, "kubemu.crash"), "-device", "pvpanic", "-action", "panic=pause")
    async with start_machine(tmp_path, *arguments) as machine:
        with machine.monitor.listener("GUEST_PANICKED") as listener:
            async with asyncio.timeout(LIMIT):
                event = await listener.get()
    assert event["data"] == {"action": "pause"}


async def test_the_network_has_an_address_and_answers(tiny: Guest, tmp_path: Path) -> None:
    forwards = ",".join(f"hostfwd={proto}:127.0.0.1:0-:{port}" for proto, port in FORWARDS)
    arguments = (
        *direct(tiny),
        *("-netdev", f"user,id=net,{forwards}"),
        *("-device", "virtio-net-pci,netdev=net,mac=02:00:00:00:00:07,host_mtu=1400"),
    )
    async with start_machine(tmp_path, *arguments) as machine:
        nic = await machine.line("nic")
        lease = await machine.line("lease")
        await machine.line("ready")
        address = await machine.line("address")
        up = await machine.line("up")
        ports = await forwarded_ports(machine)
        answers = await asyncio.to_thread(talk, ports)
    assert (nic.values["mac"], nic.values["mtu"]) == ("02:00:00:00:00:07", "1400")
    assert (lease.values["ipv4"], lease.values["gateway"]) == ("10.0.2.15/24", "10.0.2.2")
    assert address.values["ipv6"].endswith("/64")
    page = f"hostname=localhost boot_id={up.values['boot_id']}\n".encode()
    assert answers == (b"stream", b"datagram", page)


FORWARDS = (("tcp", 7), ("udp", 7), ("tcp", 80))


async def forwarded_ports(machine: Machine) -> dict[tuple[str, int], int]:
    """The ports that QEMU chose on this machine."""
    table = await machine.monitor.execute("human-monitor-command", {"command-line": "info usernet"})
    rows = re.findall(r"(TCP|UDP)\[HOST_FORWARD\] +\d+ +\S+ +(\d+) +\S+ +(\d+)", str(table))
    return {(proto.lower(), int(guest)): int(host) for proto, host, guest in rows}


def talk(ports: dict[tuple[str, int], int]) -> tuple[bytes, bytes, bytes]:
    with socket.create_connection(("127.0.0.1", ports["tcp", 7]), 60) as stream:
        stream.sendall(b"stream")
        echoed = stream.recv(100)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.settimeout(60)
        datagram.sendto(b"datagram", ("127.0.0.1", ports["udp", 7]))
        returned = datagram.recv(100)
    with urllib.request.urlopen(f"http://127.0.0.1:{ports['tcp', 80]}/", timeout=60) as page:
        return echoed, returned, page.read()


async def test_a_disk_that_comes_later_is_reported(tiny: Guest, tmp_path: Path) -> None:
    data = patterned(tmp_path / "data", MEBIBYTE)
    arguments = (*direct(tiny), "-device", "pcie-root-port,id=port1,chassis=1")
    async with start_machine(tmp_path, *arguments) as machine:
        await machine.line("ready")
        node = {"driver": "raw", "node-name": "late", "read-only": True}
        protocol = {"driver": "file", "filename": str(data)}
        await machine.monitor.execute("blockdev-add", {**node, "file": protocol})
        await machine.monitor.execute(
            "device_add",
            {
                "driver": "virtio-blk-pci",
                "drive": "late",
                "id": "d",
                "bus": "port1",
                "serial": "late",
            },
        )
        line = await machine.line("disk", serial="late")
        await machine.monitor.execute("device_del", {"id": "d"})
        await machine.line("disk-removed", name="vda")
    assert line.values["sha256"] == sha256(data.read_bytes())


async def test_what_has_no_plain_spelling_is_escaped(tiny: Guest, tmp_path: Path) -> None:
    seed = write_seed(tmp_path / "seed.iso", "cidata", {"a file": b"x", "100%": b"y"})
    async with start_machine(tmp_path, *direct(tiny), *disk(seed, "s")) as machine:
        await machine.line("ready")
    assert files_of(machine, "vda") == {"a file": sha256(b"x"), "100%": sha256(b"y")}
    assert "path=a%20file " in machine.console
