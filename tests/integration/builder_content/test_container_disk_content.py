"""containerDisk: what is found in an image, and what is refused."""

from __future__ import annotations

import dataclasses
import gzip
import os
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from virtlauncher.builder.prepared import Layer, PreparedDisk
from virtlauncher.facts import Source, SourceKind

SIZE = 4 << 20
FIELD = "spec.volumes[0].containerDisk"


@pytest.fixture
def qcow2(image_root: Path, tools: Any) -> Path:
    path = image_root / "disk" / "disk.qcow2"
    tools.qemu_img("create", "-q", "-f", "qcow2", path, str(SIZE))
    return path


@pytest.mark.parametrize("format", ["qcow2", "raw"])
@pytest.mark.parametrize("path", ["", "/disk/disk.img"])
def test_an_image_becomes_the_base_of_an_overlay(
    machine: Any, image_root: Path, tools: Any, format: str, path: str
) -> None:
    base = image_root / "disk" / "disk.img"
    tools.qemu_img("create", "-q", "-f", format, base, str(SIZE))
    before = tools.look(base)
    machine.add_image(image_root, path)
    with machine.prepare() as content:
        disk = content.prepared.disks["root"]
        overlay = machine.disk_dir / "root.qcow2"
        assert disk == PreparedDisk(
            volume="root",
            layers=(
                Layer(format="qcow2", readonly_fd="disk/root/0/ro", readwrite_fd="disk/root/0/rw"),
                Layer(format=format, readonly_fd="disk/root/1/ro"),
            ),
            size=SIZE,
            direct=disk.direct,
            aio="io_uring",
            made=(str(overlay),),
        )
        fd = content.descriptors["disk/root/1/ro"]
        assert Path(f"/proc/self/fd/{fd}").readlink() == base
        assert overlay.stat().st_mode & 0o777 == 0o600
        tools.qemu_img("check", overlay)
    assert tools.look(base) == before
    assert overlay.exists()


def test_all_descriptors_of_a_disk_agree_on_o_direct(
    machine: Any, image_root: Path, qcow2: Path
) -> None:
    machine.add_image(image_root)
    with machine.prepare() as content:
        flags = {bool(_flags(fd) & os.O_DIRECT) for fd in content.descriptors.values()}
        assert flags == {content.prepared.disks["root"].direct}


def _flags(fd: int) -> int:
    text = Path(f"/proc/self/fdinfo/{fd}").read_text()
    return int(text.split("flags:")[1].split()[0], 8)


def test_a_cdrom_of_an_image_needs_no_overlay(machine: Any, image_root: Path) -> None:
    iso = image_root / "disk" / "setup.iso"
    iso.write_bytes(bytes(32768) + b"\x01CD001" + bytes(65536))
    machine.add_image(image_root, disk={"disk": None, "cdrom": {"bus": "sata"}})
    del machine.disks[0]["disk"]
    with machine.prepare() as content:
        disk = content.prepared.disks["root"]
        assert (len(disk.layers), disk.readonly, disk.iso, disk.made) == (1, True, True, ())
        assert disk.layers[0].readwrite_fd == ""
    assert machine.made() == []


def test_a_file_and_a_descriptor_do_as_well_as_an_image(machine: Any, tools: Any) -> None:
    path = machine.path("disk.qcow2")
    tools.qemu_img("create", "-q", "-f", "qcow2", path, str(SIZE))
    volume = {"containerDisk": {"image": "x"}}
    machine.add("file", volume, Source(kind=SourceKind.FILE, path=str(path)))
    machine.add("given", volume, Source(kind=SourceKind.FD, fds=("base",)))
    with path.open("rb") as base:
        machine.fds = {"base": base.fileno()}
        with machine.prepare() as content:
            assert [disk.size for disk in content.prepared.disks.values()] == [SIZE, SIZE]
            layer = content.prepared.disks["given"].layers[1]
            assert layer == Layer(format="qcow2", readonly_fd="base")
            assert "base" not in content.descriptors


def test_leftovers_of_a_start_that_was_cut_off_are_replaced(
    machine: Any, image_root: Path, qcow2: Path, tools: Any
) -> None:
    (machine.disk_dir / "root.qcow2").write_bytes(b"half")
    machine.add_image(image_root)
    with machine.prepare():
        tools.qemu_img("check", machine.disk_dir / "root.qcow2")


@pytest.mark.parametrize("path", ["/disk/../etc/passwd", "//disk/x", "/disk/./x", "/", "/disk/"])
def test_a_path_that_is_not_plain_is_refused(machine: Any, image_root: Path, path: str) -> None:
    machine.add_image(image_root, path)
    refusal = machine.refusal()
    assert refusal.field == FIELD
    assert refusal.message == f"volume 'root': '{path}' is not the plain path of a file"


def test_a_path_with_a_nul_or_of_5000_characters_is_refused(machine: Any, image_root: Path) -> None:
    machine.add_image(image_root, "/disk/\0x")
    assert (
        machine.refusal().message == r"volume 'root': '/disk/\x00x' is not the plain path of a file"
    )
    machine.volumes.clear()
    machine.disks.clear()
    machine.add_image(image_root, "/" + "x" * 5000)
    assert machine.refusal().message.endswith("cannot be opened: File name too long")


def test_a_missing_file_is_named(machine: Any, image_root: Path) -> None:
    machine.add_image(image_root, "/disk/none.img")
    assert machine.refusal().message == "volume 'root': there is no disk/none.img"


def test_an_image_must_have_exactly_one_disk(machine: Any, image_root: Path) -> None:
    machine.add_image(image_root)
    message = "volume 'root': /disk of the image must hold exactly one file, "
    assert machine.refusal().message == f"{message}it is empty"
    for name in ("a.img", "b.img"):
        (image_root / "disk" / name).write_bytes(bytes(512))
    assert machine.refusal().message == f"{message}it holds 2: a.img, b.img"
    for path in [*(image_root / "disk").iterdir()]:
        path.unlink()
    (image_root / "disk").rmdir()
    assert machine.refusal().message == "volume 'root': the image has no folder /disk"


@pytest.mark.parametrize("target", ["/etc/shadow", "/proc/1/environ", "other.img"])
def test_a_link_is_not_followed(machine: Any, image_root: Path, tools: Any, target: str) -> None:
    (image_root / "disk" / "x.qcow2").symlink_to(target)
    machine.add_image(image_root)
    assert machine.refusal().message == (
        "volume 'root': disk/x.qcow2 is a symbolic link, not a regular file"
    )


def test_a_link_in_the_middle_of_a_path_is_not_followed(machine: Any, image_root: Path) -> None:
    outside = machine.path("outside/x.img")
    outside.write_bytes(bytes(512))
    (image_root / "link").symlink_to(outside.parent)
    machine.add_image(image_root, "/link/x.img")
    assert machine.refusal().message == ("volume 'root': link is a symbolic link, not a directory")


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def _null_device(path: Path) -> None:
    os.mknod(path, 0o20600, os.makedev(1, 3))


def _block_device(path: Path) -> None:
    os.mknod(path, 0o60600, os.makedev(7, 200))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        pytest.param(_fifo, "a FIFO", id="fifo"),
        pytest.param(_socket, "a socket", id="socket"),
        pytest.param(Path.mkdir, "a directory", id="folder"),
        pytest.param(_null_device, "a character device", id="null", marks=pytest.mark.root),
        pytest.param(_block_device, "a block device", id="block", marks=pytest.mark.root),
    ],
)
def test_what_is_no_regular_file_is_named(
    machine: Any, image_root: Path, make: Callable[[Path], None], kind: str
) -> None:
    make(image_root / "disk" / "x")
    machine.add_image(image_root)
    assert machine.refusal().message == f"volume 'root': disk/x is {kind}, not a regular file"


def _create(format: str) -> Callable[[Path], None]:
    def create(path: Path) -> None:
        subprocess.run(["qemu-img", "create", "-q", "-f", format, path, "1M"], check=True)

    return create


def _write(data: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(data)

    return write


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (_create("vmdk"), "a VMDK image"),
        (_create("vhdx"), "a VHDX image"),
        (_create("vpc"), "a VHD image"),
        (_create("vdi"), "a VDI image"),
        (_create("qed"), "a QED image"),
        (_create("qcow"), "a qcow image (version 1)"),
        (_create("parallels"), "a Parallels image"),
        (_write(b"LUKS\xba\xbe" + bytes(2000)), "an encrypted (LUKS) disk"),
        (_write(gzip.compress(bytes(5000))), "a gzip file"),
        (_write(b"\xfd7zXZ\0" + bytes(600)), "an xz file"),
        (_write(b"\n<!DOCTYPE html><title>404</title>"), "an HTML page"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_format_is_named(
    machine: Any, image_root: Path, make: Callable[[Path], None], found: str
) -> None:
    make(image_root / "disk" / "x")
    machine.add_image(image_root)
    refusal = machine.refusal()
    assert refusal.message == (
        f"volume 'root': disk/x: found {found}; only raw and qcow2 are accepted"
    )
    assert refusal.reason == "BadVolume"
    assert refusal.hint


def test_an_empty_file_is_refused(machine: Any, image_root: Path) -> None:
    (image_root / "disk" / "x").touch()
    machine.add_image(image_root)
    assert machine.refusal().message == "volume 'root': disk/x is empty"


@pytest.mark.parametrize("backing", ["base.raw", "json:{}", "nbd://127.0.0.1:PORT/x", "loop"])
def test_a_backing_file_is_refused_and_not_opened(
    machine: Any, image_root: Path, tools: Any, backing: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        name = backing.replace("PORT", str(listener.getsockname()[1]))
        path = image_root / "disk" / "loop"
        _qcow2_over(path, name)
        if backing == "base.raw":
            os.mkfifo(image_root / "disk2.raw")  # opening it would hang
        machine.add_image(image_root)
        assert machine.refusal().message == (
            f"volume 'root': disk/loop is a qcow2 image with a backing file ('{name}'): "
            "a backing file is not allowed"
        )
        with pytest.raises(BlockingIOError):
            listener.accept()


def _qcow2_over(path: Path, backing: str) -> None:
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-u", "-F", "raw", "-b", backing, path, "1M"],
        check=True,
    )


def test_a_chain_of_a_thousand_is_refused_at_its_first_link(machine: Any, image_root: Path) -> None:
    _qcow2_over(image_root / "disk" / "0000", "0001")
    data = (image_root / "disk" / "0000").read_bytes()
    for number in range(1, 1000):
        link = data.replace(b"0001", f"{(number + 1) % 1000:04}".encode())
        (image_root / "disk" / f"{number:04}").write_bytes(link)
    machine.add_image(image_root, "/disk/0000")
    assert "a backing file is not allowed" in machine.refusal().message


def test_an_external_data_file_is_refused_and_not_touched(
    machine: Any, image_root: Path, tools: Any
) -> None:
    target = machine.path("target")
    path = image_root / "disk" / "x"
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={target}", path, "1M"],
        check=True,
    )
    target.write_bytes(b"someone else's")
    before = tools.look(target)
    machine.add_image(image_root)
    assert machine.refusal().message == (
        "volume 'root': disk/x is a qcow2 image with an external data file: "
        "an external data file is not allowed"
    )
    assert tools.look(target) == before


def _patched(path: Path, offset: int, format: str, value: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(struct.pack(format, value))


@pytest.mark.parametrize(
    ("offset", "format", "value", "sentence"),
    [
        (24, ">Q", 1 << 60, "claims a disk of 1152921504606846976 bytes; more than 70368744177664"),
        (36, ">I", 1 << 28, "claims an L1 table of 2147483648 bytes"),
        (56, ">I", 1 << 15, "claims a refcount table of 2147483648 bytes"),
        (60, ">I", 1 << 31, "claims 2147483648 snapshots"),
        (20, ">I", 63, "clusters of 2^63 bytes, which is nonsense"),
        (32, ">I", 1, "is an encrypted qcow2 image"),
        (72, ">Q", 1 << 40, "features that are not known (bits 0x10000000000)"),
        (4, ">I", 9, "is a qcow image of version 9"),
        (40, ">Q", 1 << 50, "is a truncated qcow2 image"),
    ],
)
def test_a_qcow2_bomb_is_refused_by_its_header(
    machine: Any, image_root: Path, qcow2: Path, offset: int, format: str, value: int, sentence: str
) -> None:
    _patched(qcow2, offset, format, value)
    machine.add_image(image_root)
    assert sentence in machine.refusal().message


def test_a_truncated_image_is_refused(machine: Any, image_root: Path, tools: Any) -> None:
    raw = machine.path("raw")
    raw.write_bytes(os.urandom(1 << 20))
    path = image_root / "disk" / "x"
    for options in ([], ["-c"]):
        tools.qemu_img("convert", *options, "-O", "qcow2", raw, path)
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - (256 << 10))
        machine.volumes.clear()
        machine.disks.clear()
        machine.add_image(image_root)
        assert "disk/x is a truncated qcow2 image: it needs " in machine.refusal().message


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-o", "compat=0.10"],
        ["-o", "cluster_size=512"],
        ["-o", "cluster_size=2M"],
        ["-o", "refcount_bits=1"],
        ["-o", "extended_l2=on"],
        ["-c"],
        ["-c", "-o", "compression_type=zstd"],
        ["-o", "preallocation=metadata"],
        ["-o", "preallocation=full"],
    ],
    ids=" ".join,
)
def test_every_kind_of_whole_qcow2_image_is_accepted(
    machine: Any, image_root: Path, tools: Any, options: list[str]
) -> None:
    raw = machine.path("raw")
    raw.write_bytes(os.urandom(1 << 20) + bytes(3 << 20))
    tools.qemu_img("convert", *options, "-O", "qcow2", raw, image_root / "disk" / "x")
    machine.add_image(image_root)
    with machine.prepare() as content:
        assert content.prepared.disks["root"].size == SIZE


def test_what_qemu_img_finds_broken_is_refused_in_its_words(
    machine: Any, image_root: Path, qcow2: Path
) -> None:
    _patched(qcow2, 60, ">I", 1)
    _patched(qcow2, 64, ">Q", 3)  # a snapshot table at a place that is none
    machine.add_image(image_root)
    assert machine.refusal().message == (
        "volume 'root': disk/disk.qcow2 is a broken qcow2 image: Snapshot table offset invalid"
    )


def _stand_in(machine: Any, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A qemu-img that behaves badly, in front of the real one."""
    path = machine.path("bin/qemu-img")
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")


def test_an_inspection_that_hangs_is_given_up(
    machine: Any, image_root: Path, qcow2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stand_in(machine, monkeypatch, "exec sleep 600")
    machine.limits = dataclasses.replace(machine.limits, wall_seconds=0.1)
    machine.add_image(image_root)
    assert machine.refusal().message == (
        "volume 'root': disk/disk.qcow2 could not be inspected in 0.1 s"
    )


def test_an_inspection_that_spins_ends_at_its_cpu_limit(
    machine: Any, image_root: Path, qcow2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stand_in(machine, monkeypatch, "while :; do :; done")
    machine.limits = dataclasses.replace(machine.limits, cpu_seconds=1)
    machine.add_image(image_root)
    assert machine.refusal().message == (
        "volume 'root': inspecting disk/disk.qcow2 took more CPU or memory than allowed"
    )


def test_an_image_that_qemu_reads_differently_is_refused(
    machine: Any, image_root: Path, qcow2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stand_in(machine, monkeypatch, """echo '{"virtual-size": 1}'""")
    machine.add_image(image_root)
    assert machine.refusal().message == (
        "volume 'root': disk/disk.qcow2 means different things to different programs"
    )


@pytest.fixture
def no_direct_io(machine: Any) -> Iterator[Path]:
    """A file system that knows no O_DIRECT."""
    folder: Path = machine.path("ramfs/x").parent
    subprocess.run(["mount", "-t", "ramfs", "ramfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.root
def test_cache_none_is_refused_where_the_file_system_has_no_direct_io(
    machine: Any, no_direct_io: Path
) -> None:
    (no_direct_io / "disk").mkdir()
    (no_direct_io / "disk" / "x").write_bytes(bytes(512))
    machine.add_image(no_direct_io, disk={"cache": "none"})
    assert machine.refusal().message == (
        "volume 'root': Unable to use 'none' cache mode, file system where disk/x is stored "
        "does not support direct I/O"
    )
    machine.disks[0].pop("cache")
    with machine.prepare() as content:
        assert content.prepared.disks["root"].direct is False


def test_a_wish_for_the_page_cache_is_granted(machine: Any, image_root: Path, qcow2: Path) -> None:
    machine.add_image(image_root, disk={"cache": "writeback", "io": "threads"})
    with machine.prepare() as content:
        disk = content.prepared.disks["root"]
        assert (disk.direct, disk.aio) == (False, "threads")


def test_native_io_without_direct_io_is_refused(
    machine: Any, image_root: Path, qcow2: Path
) -> None:
    machine.add_image(image_root, disk={"cache": "writeback", "io": "native"})
    assert machine.refusal().message == (
        "volume 'root': io 'native' needs direct I/O, which this disk's cache mode is without"
    )


def test_a_volume_that_nobody_gave_is_refused(machine: Any, image_root: Path) -> None:
    machine.add_image(image_root)
    machine.sources.clear()
    refusal = machine.refusal()
    assert (refusal.reason, refusal.field) == ("Refused", FIELD)
    assert refusal.message == "volume 'root': nothing says where its content is"
