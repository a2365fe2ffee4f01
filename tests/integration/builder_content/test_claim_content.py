"""Claims, ephemeral disks and descriptors: made once, used as they are, refused by their kind."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from virtlauncher.builder.prepared import Layer, PreparedDisk
from virtlauncher.facts import Mode, Source, SourceKind

SIZE = 8 << 20


def test_an_empty_claim_gets_a_sparse_disk(machine: Any, claim: Path) -> None:
    machine.add_claim(claim, size=SIZE)
    with machine.prepare() as content:
        disk = content.prepared.disks["data"]
        assert disk == PreparedDisk(
            volume="data",
            layers=(
                Layer(format="raw", readonly_fd="disk/data/0/ro", readwrite_fd="disk/data/0/rw"),
            ),
            size=SIZE,
            direct=disk.direct,
            aio="io_uring",
        )
    status = (claim / "disk.img").stat()
    assert (status.st_size, status.st_blocks, stat.S_IMODE(status.st_mode)) == (SIZE, 0, 0o600)


def test_a_folder_that_hands_its_group_on_gets_a_disk_for_the_group(
    machine: Any, claim: Path
) -> None:
    claim.chmod(0o2770)
    machine.add_claim(claim, size=SIZE)
    with machine.prepare():
        pass
    assert stat.S_IMODE((claim / "disk.img").stat().st_mode) == 0o660


def test_a_disk_that_was_created_but_never_sized_is_finished(machine: Any, claim: Path) -> None:
    (claim / "disk.img").touch()
    machine.add_claim(claim, size=SIZE)
    with machine.prepare() as content:
        assert content.prepared.disks["data"].size == SIZE


def test_an_existing_disk_keeps_its_size_and_bytes(machine: Any, claim: Path, tools: Any) -> None:
    path = claim / "disk.img"
    path.write_bytes(b"mine" * 1024)
    before = tools.look(path)
    machine.add_claim(claim, size=1024)
    with machine.prepare() as content:
        disk = content.prepared.disks["data"]
        assert (disk.size, disk.preallocated) == (4096, True)
        assert disk.aio == ("native" if disk.direct else "io_uring")
    assert tools.look(path) == before


@pytest.mark.parametrize("holes", [True, False])
def test_a_disk_grows_with_its_claim_and_keeps_its_bytes(
    machine: Any, claim: Path, holes: bool
) -> None:
    path = claim / "disk.img"
    path.write_bytes(b"mine" * 1024)
    if holes:
        os.truncate(path, 1 << 20)
    machine.add_claim(claim, size=SIZE)
    with machine.prepare() as content:
        disk = content.prepared.disks["data"]
        assert (disk.size, disk.preallocated) == (SIZE, not holes)
        assert "its disk grows from" in content.prepared.warnings[0]
    assert path.stat().st_size == SIZE
    assert (path.stat().st_blocks * 512 >= SIZE) is not holes
    assert path.read_bytes() == (b"mine" * 1024).ljust(SIZE, b"\0")


@pytest.mark.parametrize("why", ["read-only", "shareable", "incoming", "a file of its own"])
def test_a_disk_that_is_not_ours_to_change_does_not_grow(
    machine: Any, claim: Path, why: str
) -> None:
    path = claim / "disk.img"
    path.write_bytes(bytes(4096))
    match why:
        case "read-only":
            machine.add_claim(claim, size=SIZE, readonly=True)
        case "shareable":
            machine.add_claim(claim, disk={"shareable": True, "cache": "none"}, size=SIZE)
        case "incoming":
            machine.add_claim(claim, size=SIZE)
            machine.mode = Mode.INCOMING
        case _:
            machine.add_claim(path, size=SIZE)
    with machine.prepare() as content:
        assert content.prepared.disks["data"].size == 4096
    assert path.stat().st_size == 4096


def test_a_failed_start_takes_growth_back(machine: Any, claim: Path) -> None:
    path = claim / "disk.img"
    path.write_bytes(bytes(4096))
    machine.add_claim(claim, size=SIZE)
    machine.add("scratch", {"emptyDisk": {"capacity": "1Gi"}})
    (machine.disk_dir / "scratch.qcow2").mkdir()  # what cannot be replaced
    assert machine.refusal().reason == "LaunchFailed"
    assert path.stat().st_size == 4096


def test_a_failed_start_takes_back_what_it_made_in_a_claim(
    machine: Any, claim: Path, image_root: Path, tools: Any
) -> None:
    machine.add_claim(claim, size=SIZE)
    machine.add("scratch", {"emptyDisk": {"capacity": "1Gi"}})
    (machine.disk_dir / "scratch.qcow2").mkdir()  # what cannot be replaced
    assert machine.refusal().reason == "LaunchFailed"
    assert list(claim.iterdir()) == []
    (claim / "disk.img").touch()
    assert machine.refusal().reason == "LaunchFailed"
    assert (claim / "disk.img").stat().st_size == 0


def test_a_plan_that_fails_takes_back_what_was_made(machine: Any, claim: Path) -> None:
    machine.add_claim(claim, size=SIZE)
    with pytest.raises(KeyError), machine.prepare():
        raise KeyError
    assert list(claim.iterdir()) == []


@pytest.mark.parametrize("readonly", [False, True])
def test_an_empty_claim_of_unknown_size_or_that_is_only_read_is_refused(
    machine: Any, claim: Path, readonly: bool
) -> None:
    machine.add_claim(claim, readonly=readonly, size=SIZE if readonly else None)
    message = machine.refusal().message
    assert message == (
        "volume 'data': there is no disk.img"
        if readonly
        else "volume 'data': there is no disk yet, and nothing says how large to make it"
    )
    assert list(claim.iterdir()) == []


def _link(path: Path) -> None:
    path.symlink_to("/etc/shadow")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def _null(path: Path) -> None:
    os.mknod(path, 0o20600, os.makedev(1, 3))


def _loop(path: Path) -> None:
    os.mknod(path, 0o60600, os.makedev(7, 200))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        pytest.param(_link, "a symbolic link", id="link"),
        pytest.param(os.mkfifo, "a FIFO", id="fifo"),
        pytest.param(_socket, "a socket", id="socket"),
        pytest.param(Path.mkdir, "a directory", id="folder"),
        pytest.param(_null, "a character device", id="null", marks=pytest.mark.root),
        pytest.param(_loop, "a block device", id="block", marks=pytest.mark.root),
    ],
)
def test_a_disk_img_that_is_no_regular_file_is_refused_by_its_kind(
    machine: Any, claim: Path, make: Callable[[Path], None], kind: str, tools: Any
) -> None:
    make(claim / "disk.img")
    before = (claim / "disk.img").lstat()
    machine.add_claim(claim, size=SIZE)
    refusal = machine.refusal()
    assert refusal.reason == "BadVolume"
    assert refusal.field == "spec.volumes[0].persistentVolumeClaim"
    assert refusal.message == f"volume 'data': disk.img is {kind}, not a regular file"
    assert (claim / "disk.img").lstat() == before


def test_a_hard_link_to_another_file_is_refused(machine: Any, claim: Path, tools: Any) -> None:
    outside = machine.path("outside")
    outside.write_bytes(b"secret" * 1000)
    (claim / "disk.img").hardlink_to(outside)
    before = tools.look(outside)
    machine.add_claim(claim)
    assert machine.refusal().message == (
        "volume 'data': disk.img is a regular file with 2 hard links: it is another file, too"
    )
    assert tools.look(outside) == before


@pytest.mark.parametrize("magic", [b"QFI\xfb\0\0\0\3", b"KDMV", b"LUKS\xba\xbe", b"\x1f\x8b\x08"])
def test_what_a_guest_wrote_into_a_claim_is_never_looked_at(
    machine: Any, claim: Path, magic: bytes
) -> None:
    (claim / "disk.img").write_bytes(magic + bytes(8192 - len(magic)))
    machine.add_claim(claim)
    with machine.prepare() as content:
        disk = content.prepared.disks["data"]
        assert (disk.size, disk.layers[0].format) == (8192, "raw")


def test_a_raw_size_is_rounded_up_to_sectors(machine: Any, claim: Path) -> None:
    (claim / "disk.img").write_bytes(bytes(1000))
    machine.add_claim(claim)
    with machine.prepare() as content:
        assert content.prepared.disks["data"].size == 1024


def test_a_read_only_claim_is_opened_only_to_read(machine: Any, claim: Path) -> None:
    (claim / "disk.img").write_bytes(bytes(512))
    machine.add_claim(claim, readonly=True)
    with machine.prepare() as content:
        assert content.prepared.disks["data"].readonly
        assert list(content.descriptors) == ["disk/data/0/ro"]


def test_an_ephemeral_disk_is_raw_below_and_never_written(
    machine: Any, claim: Path, tools: Any
) -> None:
    path = claim / "disk.img"
    path.write_bytes(b"QFI\xfb" + bytes(4092))
    before = tools.look(path)
    source = Source(kind=SourceKind.DIR, path=str(claim))
    volume = {"ephemeral": {"persistentVolumeClaim": {"claimName": "c"}}}
    machine.add("data", volume, source)
    with machine.prepare() as content:
        disk = content.prepared.disks["data"]
        assert [layer.format for layer in disk.layers] == ["qcow2", "raw"]
        assert disk.layers[1].readwrite_fd == ""
        assert disk.size == 4096
    assert tools.look(path) == before


def test_a_file_may_be_named_but_not_by_a_link(machine: Any) -> None:
    path = machine.path("own.img")
    path.write_bytes(bytes(512))
    machine.add_claim(path)
    with machine.prepare() as content:
        assert content.prepared.disks["data"].size == 512
    link = machine.path("link.img")
    link.symlink_to(path)
    machine.sources["data"] = Source(kind=SourceKind.FILE, path=str(link))
    assert machine.refusal().message == (
        f"volume 'data': {link} is a symbolic link, not a regular file or a block device"
    )


@pytest.mark.root
def test_a_block_device_may_have_a_name_that_is_a_link(machine: Any, loop_device: Path) -> None:
    link = machine.path("by-id")
    link.symlink_to(loop_device)
    machine.add_claim(link)
    with machine.prepare() as content:
        disk = content.prepared.disks["data"]
        assert (disk.size, disk.direct, disk.aio) == (SIZE, True, "native")
        assert disk.layers[0].block


@pytest.mark.root
def test_a_given_descriptor_of_a_device_is_switched_to_o_direct(
    machine: Any, loop_device: Path
) -> None:
    source = Source(kind=SourceKind.FD, fds=("blk-rw", "blk-ro"))
    machine.add("data", {"persistentVolumeClaim": {"claimName": "c"}}, source)
    with loop_device.open("rb") as reading, loop_device.open("r+b") as both:
        machine.fds = {"blk-ro": reading.fileno(), "blk-rw": both.fileno()}
        with machine.prepare() as content:
            disk = content.prepared.disks["data"]
            assert disk.layers == (
                Layer(format="raw", readonly_fd="blk-ro", readwrite_fd="blk-rw", block=True),
            )
            assert (disk.size, disk.direct, dict(content.descriptors)) == (SIZE, True, {})
            for fd in machine.fds.values():
                assert fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_DIRECT


def test_descriptors_that_do_not_do_are_refused(machine: Any) -> None:
    path = machine.path("disk.img")
    path.write_bytes(bytes(512))
    source = Source(kind=SourceKind.FD, fds=("ro", "rw"))
    machine.add("data", {"persistentVolumeClaim": {"claimName": "c"}}, source)
    assert machine.refusal().message == "no descriptor 'ro' came with the request"
    with path.open("rb") as reading, machine.path("b").open("w+b") as other:
        machine.fds = {"ro": reading.fileno(), "rw": other.fileno()}
        assert machine.refusal().message == (
            "volume 'data': its descriptors are of different files"
        )
        machine.fds = {"ro": other.fileno(), "rw": other.fileno()}
        assert machine.refusal().message == (
            "volume 'data': a descriptor opened read-only is needed"
        )
        machine.fds = {"ro": reading.fileno(), "rw": reading.fileno()}
        assert machine.refusal().message == (
            "volume 'data': a descriptor opened read-write is needed"
        )


def test_a_lun_needs_a_block_device(machine: Any, claim: Path) -> None:
    (claim / "disk.img").write_bytes(bytes(512))
    machine.add_claim(claim)
    machine.disks[0] = {"name": "data", "lun": {"bus": "scsi"}}
    assert machine.refusal().message == (
        "volume 'data': disk.img is a regular file; a lun needs a block device"
    )


@pytest.fixture
def other_vm(claim: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the claim's disk as QEMU does."""
    path = claim / "disk.img"
    path.write_bytes(bytes(1 << 20))
    argv = ["qemu-io", "-f", "raw", str(path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        process.stdin.write(b"read 0 512\n")
        process.stdin.flush()
        while not process.stdout.readline().startswith(b"1 ops") and b"512 bytes" not in (
            process.stdout.readline()
        ):
            assert process.poll() is None
        yield process
        process.stdin.close()
        process.wait()


def test_a_disk_that_another_vm_writes_is_refused_with_its_name(
    machine: Any, claim: Path, other_vm: subprocess.Popen[bytes], tools: Any
) -> None:
    before = tools.look(claim / "disk.img")
    machine.add_claim(claim)
    assert machine.refusal().message == (
        f"volume 'data': disk.img: image in use by process {other_vm.pid} (qemu-io)"
    )
    machine.sources["data"] = Source(kind=SourceKind.DIR, path=str(claim), owner="VM default/other")
    assert machine.refusal().message == (
        "volume 'data': disk.img: image in use by VM default/other"
    )
    assert tools.look(claim / "disk.img") == before
    assert other_vm.poll() is None


def test_a_migrations_target_does_not_ask_for_locks(
    machine: Any, claim: Path, other_vm: subprocess.Popen[bytes]
) -> None:
    machine.mode = Mode.INCOMING
    machine.add_claim(claim)
    with machine.prepare() as content:
        assert content.prepared.disks["data"].size == 1 << 20


def test_a_disk_that_another_vm_shares_may_be_shared(machine: Any, claim: Path) -> None:
    path = claim / "disk.img"
    path.write_bytes(bytes(1 << 20))
    machine.add_claim(claim, disk={"shareable": True})
    with path.open("r+b") as other:
        # As QEMU with share-rw: uses read (0) and write (1), lets others do both.
        for byte in (100, 101):
            lock = struct.pack("@hhqqi0q", fcntl.F_RDLCK, os.SEEK_SET, byte, 1, 0)
            fcntl.fcntl(other, fcntl.F_OFD_SETLK, lock)
        with machine.prepare() as content:
            assert content.prepared.disks["data"].direct
        machine.disks[0] = {"name": "data", "disk": {"bus": "virtio"}}
        assert "image in use by another process" in machine.refusal().message


@pytest.fixture
def read_only_claim(claim: Path) -> Iterator[Path]:
    (claim / "disk.img").write_bytes(bytes(512))
    subprocess.run(["mount", "--bind", claim, claim], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", claim], check=True)
    yield claim
    subprocess.run(["umount", "--lazy", claim], check=True)


@pytest.mark.root
def test_a_disk_that_cannot_be_written_says_who_may(machine: Any, read_only_claim: Path) -> None:
    machine.add_claim(read_only_claim)
    assert machine.refusal().message == (
        "volume 'data': disk.img cannot be written by uid 0: "
        "Read-only file system (owner 0:0, mode 0644)"
    )
