"""A disk is its parts, each where its master boot record says."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from images.guests.disk import EFI_SYSTEM, LINUX, MIB, Partition, write_disk


@pytest.fixture
def loaders(tmp_path: Path) -> Path:
    folder = tmp_path / "loaders/usr/lib/grub/i386-pc"
    folder.mkdir(parents=True)
    (folder / "boot.img").write_bytes(b"B" * 512)
    return tmp_path / "loaders"


def a_partition(path: Path, kind: int, data: bytes) -> Partition:
    path.write_bytes(data)
    return Partition(kind=kind, content=path)


def test_partitions_follow_the_core_in_whole_mebibytes(loaders: Path, tmp_path: Path) -> None:
    efi = a_partition(tmp_path / "efi", EFI_SYSTEM, b"E" * (MIB + 1))
    root = a_partition(tmp_path / "root", LINUX, b"R" * 10)
    write_disk(tmp_path / "disk", loaders, b"core", [efi, root])
    data = (tmp_path / "disk").read_bytes()
    assert len(data) == 4 * MIB
    assert data[512:516] == b"core"
    assert data[MIB : 2 * MIB + 1] == b"E" * (MIB + 1)
    assert data[3 * MIB : 3 * MIB + 11] == b"R" * 10 + b"\0"


def test_the_first_partition_is_active(loaders: Path, tmp_path: Path) -> None:
    efi = a_partition(tmp_path / "efi", EFI_SYSTEM, b"E")
    root = a_partition(tmp_path / "root", LINUX, b"R" * 2 * MIB)
    write_disk(tmp_path / "disk", loaders, b"", [efi, root])
    record = (tmp_path / "disk").read_bytes()[:512]
    assert (record[:440], record[510:]) == (b"B" * 440, b"\x55\xaa")
    entries = [struct.unpack_from("<B3xB3xII", record, 446 + 16 * n) for n in range(4)]
    assert entries == [
        (0x80, EFI_SYSTEM, 2048, 2048),
        (0, LINUX, 4096, 4096),
        (0, 0, 0, 0),
        (0, 0, 0, 0),
    ]
