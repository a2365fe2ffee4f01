"""Disks that start Linux under BIOS and under UEFI, secure boot included; no mounts, no root.

BIOS: GRUB's boot sector, and its core in the gap before the first partition. UEFI: a FAT partition
with Debian's signed shim and GRUB, which read their configuration where they were built to look for
it. Nothing waits for a key.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import struct
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

SECTOR = 512
MIB = 1 << 20
PACKAGES = ("grub-pc-bin", "grub-efi-amd64-signed", "shim-signed")

EFI_SYSTEM = 0xEF
LINUX = 0x83

_FIRST = MIB
# FAT's entries carry a time; any fixed one makes the disk reproducible.
_EPOCH = 1_000_000_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Partition:
    """A partition's type, as the master boot record has it, and the file of its content."""

    kind: int
    content: Path

    @property
    def size(self) -> int:
        """In bytes, in whole MiB."""
        return -(-self.content.stat().st_size // MIB) * MIB


@dataclasses.dataclass(frozen=True, kw_only=True)
class Core:
    """GRUB as the BIOS starts it: its modules, where its files are, what it does at once."""

    modules: Sequence[str]
    prefix: str
    commands: str = ""

    def image(self, loaders: Path, work: Path) -> bytes:
        """Make it of the unpacked packages in `loaders`.

        Raises ValueError when it does not fit before the first partition.
        """
        config, core = work / "core.cfg", work / "core.img"
        config.write_text(self.commands)
        subprocess.run(
            [
                *("grub-mkimage", "-O", "i386-pc", "-d", loaders / "usr/lib/grub/i386-pc"),
                *("-p", self.prefix, "-o", core),
                *(("-c", config) if self.commands else ()),
                *self.modules,
            ],
            check=True,
        )
        data = core.read_bytes()
        if len(data) > _FIRST - SECTOR:
            raise ValueError(f"GRUB's core of {len(data)} bytes does not fit before the partitions")
        return data


def write_disk(out: Path, loaders: Path, core: bytes, partitions: Sequence[Partition]) -> None:
    """Write a raw disk of these partitions, one behind the other, the first one active."""
    boot_sector = (loaders / "usr/lib/grub/i386-pc/boot.img").read_bytes()
    with out.open("wb") as disk:
        disk.write(_master_boot_record(boot_sector, partitions))
        disk.write(core)
        start = _FIRST
        for partition in partitions:
            disk.seek(start)
            with partition.content.open("rb") as content:
                shutil.copyfileobj(content, disk, MIB)
            start += partition.size
        disk.truncate(start)


def write_efi_partition(
    out: Path, loaders: Path, commands: str, files: Mapping[str, Path], *, size: int
) -> Partition:
    """Write a FAT file system with shim, GRUB, GRUB's `commands` and these files."""
    config = out.with_name("grub.cfg")
    config.write_text(commands)
    with out.open("wb") as file:
        file.truncate(size)
    subprocess.run(
        ["mkfs.vfat", "--invariant", "-n", "KUBEMU", out],
        check=True,
        stdout=subprocess.DEVNULL,
        env=_environment(),
    )
    _mtools("mmd", out, "::/EFI", "::/EFI/BOOT", "::/EFI/debian")
    _copy(
        out,
        (
            *files.items(),
            ("EFI/BOOT/BOOTX64.EFI", loaders / "usr/lib/shim/shimx64.efi.signed"),
            (
                "EFI/BOOT/grubx64.efi",
                loaders / "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
            ),
            ("EFI/debian/grub.cfg", config),
        ),
    )
    return Partition(kind=EFI_SYSTEM, content=out)


def convert_to_qcow2(raw: Path, out: Path) -> None:
    """A compressed qcow2 of a raw disk."""
    subprocess.run(
        [
            *("qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2"),
            *("-c", "-o", "compression_type=zstd"),
            *(str(raw), str(out)),
        ],
        check=True,
    )


def _master_boot_record(boot_sector: bytes, partitions: Sequence[Partition]) -> bytes:
    """GRUB's code and the partitions; nobody reads the addresses by cylinder: all ones."""
    table, start = b"", _FIRST
    for partition in partitions:
        table += struct.pack(
            "<B3sB3sII",
            *(0 if table else 0x80, b"\xfe\xff\xff", partition.kind, b"\xfe\xff\xff"),
            *(start // SECTOR, partition.size // SECTOR),
        )
        start += partition.size
    return boot_sector[:440] + b"KMU0\0\0" + table.ljust(64, b"\0") + b"\x55\xaa"


def _copy(partition: Path, files: Iterable[tuple[str, Path]]) -> None:
    copy = partition.with_name("copy")
    for name, source in files:
        shutil.copyfile(source, copy)
        os.utime(copy, (_EPOCH, _EPOCH))
        _mtools("mcopy", partition, "-m", str(copy), f"::/{name}")


def _mtools(program: str, partition: Path, *arguments: str) -> None:
    subprocess.run([program, "-i", str(partition), *arguments], check=True, env=_environment())


def _environment() -> dict[str, str]:
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": str(_EPOCH),
        "MTOOLS_SKIP_CHECK": "1",
    }
