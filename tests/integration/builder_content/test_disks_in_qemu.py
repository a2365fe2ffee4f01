"""Prepared descriptors in a real QEMU: what is read and written, and what never changes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from virtlauncher.builder.blocknodes import block_nodes
from virtlauncher.builder.content import PreparedContent
from virtlauncher.builder.descriptors import FdTable
from virtlauncher.builder.options import argv as rendered
from virtlauncher.facts import Source, SourceKind

pytestmark = pytest.mark.qemu
SIZE = 4 << 20
SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"


class Monitor:
    """QEMU's monitor on its standard input and output, a line at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._said: list[str] = []
        self._read()
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._process.stdin.flush()
        while "return" not in (answer := self._read()):
            assert "error" not in answer, answer
        return answer["return"]

    def io(self, node: str, command: str) -> bool:
        """qemu-io's command on a block node; whether it found what it was to find."""
        self._said.clear()
        line = f'qemu-io {node} "{command}"'
        answer = self.execute("human-monitor-command", **{"command-line": line})
        return not answer and not any("failed" in said for said in self._said)

    def _read(self) -> Mapping[str, Any]:
        """The next message. What qemu-io says stands between messages."""
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            if line.startswith("{"):
                message: Mapping[str, Any] = json.loads(line)
                return message
            self._said.append(line)
        raise AssertionError(f"QEMU ended: {self._process.stderr and self._process.stderr.read()}")


@contextmanager
def qemu(machine: Any, content: PreparedContent) -> Iterator[Monitor]:
    """A QEMU without a guest that has the prepared disks as block nodes."""
    fds = {**machine.fds, **content.descriptors}
    sets: dict[str, int] = {}
    for number, layer in enumerate(
        (layer for disk in content.prepared.disks.values() for layer in disk.layers), start=1
    ):
        sets |= {name: number for name in (layer.readonly_fd, layer.readwrite_fd) if name}
    table = FdTable(numbers={name: fds[name] for name in sets}, sets=sets)
    options = [
        *table.options(),
        *(
            option
            for disk in content.prepared.disks.values()
            for option in block_nodes(disk, table, readonly=disk.readonly, limits=None)
        ),
    ]
    command = [
        *rendered("/usr/bin/qemu-system-x86_64", options),
        *("-nodefaults", "-S", "-accel", "tcg,tb-size=16", "-m", "16", "-display", "none"),
        *("-sandbox", SANDBOX, "-qmp", "stdio"),
    ]
    with subprocess.Popen(
        command,
        pass_fds=list(table.numbers.values()),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            monitor = Monitor(process)
            yield monitor
            monitor.execute("quit")
            assert process.wait(timeout=60) == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""
        finally:
            process.kill()


@pytest.mark.parametrize("format", ["raw", "qcow2"])
@pytest.mark.parametrize("cache", ["none", "writeback"])
def test_an_overlay_takes_the_writes_and_its_base_keeps_its_bytes(
    machine: Any, image_root: Path, tools: Any, format: str, cache: str
) -> None:
    raw = machine.path("raw")
    raw.write_bytes(b"B" * SIZE)
    base = image_root / "disk" / "disk.img"
    tools.qemu_img("convert", "-O", format, raw, base)
    before = tools.look(base)
    machine.add_image(image_root, disk={"cache": cache})
    with machine.prepare() as content, qemu(machine, content) as monitor:
        assert monitor.io("disk-root", f"read -P 0x42 0 {SIZE}")
        assert monitor.io("disk-root", "write -P 0x41 64k 64k")
        assert monitor.io("disk-root", "read -P 0x41 64k 64k")
        assert monitor.io("disk-root", "read -P 0x42 128k 1M")
        # The check has teeth: other bytes are told apart.
        assert not monitor.io("disk-root", "read -P 0x42 64k 64k")
    assert tools.look(base) == before
    overlay = machine.disk_dir / "root.qcow2"
    assert "No errors were found" in tools.qemu_img("check", overlay)
    flat = machine.path("flat")
    tools.qemu_img("rebase", "-u", "-F", format, "-b", base, overlay)
    tools.qemu_img("convert", "-O", "raw", overlay, flat)
    expected = bytearray(b"B" * SIZE)
    expected[64 << 10 : 128 << 10] = b"A" * (64 << 10)
    assert flat.read_bytes() == expected


def test_a_claim_keeps_what_is_written(machine: Any, claim: Path) -> None:
    machine.add_claim(claim, size=SIZE)
    with machine.prepare() as content, qemu(machine, content) as monitor:
        assert monitor.io("disk-data", "write -P 0x41 1M 64k")
    data = (claim / "disk.img").read_bytes()
    assert (len(data), data.strip(b"\0")) == (SIZE, b"A" * (64 << 10))


@pytest.mark.parametrize("header", ["qcow2", "vmdk"])
def test_a_claim_that_begins_like_another_format_is_raw_to_the_guest(
    machine: Any, claim: Path, tools: Any, header: str
) -> None:
    victim = machine.path("victim")
    victim.write_bytes(b"secret")
    image = machine.path("image")
    tools.qemu_img("create", "-q", "-f", header, image, "1M")
    data = image.read_bytes().ljust(1 << 20, b"\0")
    (claim / "disk.img").write_bytes(data)
    machine.add_claim(claim)
    with machine.prepare() as content, qemu(machine, content) as monitor:
        (node,) = [
            node
            for node in monitor.execute("query-named-block-nodes", flat=True)
            if node["node-name"] == "disk-data"
        ]
        assert (node["drv"], node["image"]["virtual-size"]) == ("raw", len(data))
        first = int.from_bytes(data[:1])
        assert monitor.io("disk-data", f"read -P {first} 0 1")
    assert (claim / "disk.img").read_bytes() == data


def test_two_machines_cannot_have_one_disk(machine: Any, claim: Path) -> None:
    machine.add_claim(claim, size=SIZE)
    with machine.prepare() as content, qemu(machine, content) as monitor:
        device = {"driver": "virtio-blk-pci", "drive": "disk-data", "id": "disk"}
        monitor.execute("device_add", **device)
        refusal = machine.refusal()
        assert refusal.message.startswith("volume 'data': disk.img: image in use by process ")
        assert refusal.message.endswith(" (qemu-system-x86)")
        assert monitor.io("disk-data", "read -P 0 0 64k")


@pytest.mark.root
def test_a_given_block_device_is_written_through_its_descriptors(
    machine: Any, loop_device: Path
) -> None:
    source = Source(kind=SourceKind.FD, fds=("ro", "rw"))
    machine.add("data", {"persistentVolumeClaim": {"claimName": "c"}}, source)
    with loop_device.open("rb") as reading, loop_device.open("r+b") as both:
        machine.fds = {"ro": reading.fileno(), "rw": both.fileno()}
        with machine.prepare() as content, qemu(machine, content) as monitor:
            assert monitor.io("disk-data", "write -P 0x41 0 64k")
        subprocess.run(["blockdev", "--flushbufs", loop_device], check=True)
        assert loop_device.read_bytes()[: 64 << 10] == b"A" * (64 << 10)
