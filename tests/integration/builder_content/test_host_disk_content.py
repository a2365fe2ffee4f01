"""hostDisk: files of the node, made here or named on purpose, and never taken by mistake."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from virtlauncher.builder.content import sparse
from virtlauncher.facts import Source, SourceKind

SIZE = 16 << 20


def add(machine: Any, path: Path, type: str, size: int | None = SIZE) -> None:
    machine.volumes.clear()
    machine.disks.clear()
    capacity = {"capacity": str(size)} if size else {}
    volume = {"hostDisk": {"path": str(path), "type": type, **capacity}}
    machine.add("data", volume, Source(kind=SourceKind.FILE, path=str(path)))


def test_disk_or_create_makes_a_sparse_file_and_uses_it_again(machine: Any) -> None:
    path = machine.path("vm.img")
    add(machine, path, "DiskOrCreate")
    with machine.prepare() as content:
        assert content.prepared.disks["data"].size == SIZE
        assert content.prepared.disks["data"].made == ()
    assert (path.stat().st_size, path.stat().st_blocks * 512 < SIZE) == (SIZE, True)
    path.write_bytes(b"guest" * 1000)
    with machine.prepare() as content:
        assert content.prepared.disks["data"].size == 5120
    assert path.read_bytes() == b"guest" * 1000


def test_disk_or_create_never_takes_a_file_that_it_did_not_make(machine: Any, tools: Any) -> None:
    path = machine.path("shadow")
    path.write_bytes(b"root:*:1:0:::::\n")
    path.chmod(0o640)
    before = tools.look(path)
    add(machine, path, "DiskOrCreate")
    refusal = machine.refusal()
    assert refusal.message == (
        "volume 'data': shadow exists and was not made for a VM by type DiskOrCreate"
    )
    assert refusal.hint == "type Disk uses an existing file as it is."
    assert tools.look(path) == before


def test_type_disk_uses_a_file_as_it_is(machine: Any, tools: Any) -> None:
    path = machine.path("own.img")
    add(machine, path, "Disk", None)
    assert machine.refusal().message == "volume 'data': there is no own.img"
    path.write_bytes(bytes(4096))
    before = tools.look(path)
    with machine.prepare() as content:
        assert content.prepared.disks["data"].size == 4096
    assert tools.look(path) == before


@pytest.mark.parametrize("type", ["Disk", "DiskOrCreate"])
def test_links_are_refused(machine: Any, type: str, tools: Any) -> None:
    target = machine.path("target")
    target.write_bytes(bytes(4096))
    before = tools.look(target)
    link = machine.path("link.img")
    link.symlink_to(target)
    add(machine, link, type, None)
    assert machine.refusal().message == (
        "volume 'data': link.img is a symbolic link, not a regular file"
    )
    link.unlink()
    link.hardlink_to(target)
    assert "with 2 hard links" in machine.refusal().message
    link.unlink()
    assert target.read_bytes() == before[-1]


def test_a_pods_mount_of_the_folder_does_as_well(machine: Any) -> None:
    folder = machine.path("mount/x").parent
    source = Source(kind=SourceKind.DIR, path=str(folder))
    volume = {"hostDisk": {"path": "/data/vm.img", "type": "DiskOrCreate", "capacity": "1Mi"}}
    machine.add("data", volume, source)
    with machine.prepare():
        assert (folder / "vm.img").stat().st_size == 1 << 20


@pytest.fixture
def small(machine: Any) -> Iterator[Path]:
    """A file system of 8 MiB."""
    folder: Path = machine.path("small/x").parent
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.root
def test_a_disk_that_does_not_fit_is_refused(machine: Any, small: Path) -> None:
    add(machine, small / "vm.img", "DiskOrCreate", 16 << 20)
    assert machine.refusal().message == (
        f"volume 'data': {small} has not enough space: 16777216 bytes are wanted, "
        "8388608 are available"
    )
    assert list(small.iterdir()) == []


@pytest.mark.root
def test_a_little_less_room_is_tolerated_and_said(machine: Any, small: Path) -> None:
    add(machine, small / "vm.img", "DiskOrCreate", 9_000_000)
    with machine.prepare() as content:
        assert content.prepared.disks["data"].size == 8 << 20
        assert content.prepared.warnings == (
            f"volume 'data': the disk has 8388608 bytes instead of 9000448: {small} has no more "
            "room (up to 10 % less is tolerated)",
        )


def test_the_mark_is_an_attribute_of_the_file(machine: Any) -> None:
    path = machine.path("vm.img")
    add(machine, path, "DiskOrCreate")
    with machine.prepare():
        assert os.getxattr(path, sparse.MARK) == b"1"
