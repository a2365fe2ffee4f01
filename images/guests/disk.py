"""A disk that starts Linux under BIOS and under UEFI, secure boot included; no mounts, no root.

One FAT partition holds the kernel. BIOS: GRUB's boot sector, its core behind it, with the whole
configuration inside. UEFI: Debian's signed shim and GRUB, which read their configuration where they
were built to look for it, and leave loading to the kernel itself. Nothing waits for a key.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

SECTOR = 512
PARTITION_START = 2048
PACKAGES = ("grub-pc-bin", "grub-efi-amd64-signed", "shim-signed")
COMMAND_LINE = "console=tty0 console=ttyS0 quiet no_timer_check"
"""`no_timer_check`: on a busy machine an emulated PIT is late, and the kernel would give it up."""

_MIB = 1 << 20
# FAT's entries carry a time; any fixed one makes the disk reproducible.
_EPOCH = 1_000_000_000
_BIOS_MODULES = ("biosdisk", "part_msdos", "fat", "linux16")
_EFI_SYSTEM = 0xEF


@dataclasses.dataclass(frozen=True, kw_only=True)
class Boot:
    """What a disk starts."""

    kernel: Path
    initrd: Path
    command_line: str = COMMAND_LINE

    def bios_commands(self) -> str:
        # linux16 puts the kernel where it belongs; linux copies it there, two seconds under TCG.
        return f"linux16 /vmlinuz {self.command_line}\ninitrd16 /initrd\nboot\n"

    def uefi_commands(self) -> str:
        # The kernel is an EFI program: it finds room for itself where GRUB, which keeps a quarter of
        # the memory for its own use, does not (256 MiB are too few for its command linux).
        return f"chainloader /vmlinuz initrd=\\initrd {self.command_line}\nboot\n"


def write_disk(boot: Boot, loaders: Path, out: Path, *, size: int = 48 * _MIB) -> None:
    """Write a raw disk of `size` bytes; `loaders` has the unpacked packages of PACKAGES."""
    with tempfile.TemporaryDirectory(dir=out.parent) as name:
        work = Path(name)
        partition = work / "partition"
        _write_partition(boot, loaders, partition, size - PARTITION_START * SECTOR)
        core = _grub_core(boot, loaders, work)
        boot_sector = (loaders / "usr/lib/grub/i386-pc/boot.img").read_bytes()
        with out.open("wb") as disk, partition.open("rb") as content:
            disk.write(_master_boot_record(boot_sector, size // SECTOR))
            disk.write(core)
            disk.seek(PARTITION_START * SECTOR)
            shutil.copyfileobj(content, disk)


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


def _master_boot_record(boot_sector: bytes, sectors: int) -> bytes:
    """GRUB's code and one active partition; nobody reads the addresses by cylinder: all ones."""
    entry = struct.pack(
        "<B3sB3sII",
        *(0x80, b"\xfe\xff\xff", _EFI_SYSTEM, b"\xfe\xff\xff"),
        *(PARTITION_START, sectors - PARTITION_START),
    )
    return boot_sector[:440] + b"KMU0\0\0" + entry + bytes(48) + b"\x55\xaa"


def _grub_core(boot: Boot, loaders: Path, work: Path) -> bytes:
    config, core = work / "core.cfg", work / "core.img"
    config.write_text(boot.bios_commands())
    subprocess.run(
        [
            *("grub-mkimage", "-O", "i386-pc", "-d", str(loaders / "usr/lib/grub/i386-pc")),
            *("-p", "(,msdos1)/", "-c", str(config), "-o", str(core)),
            *_BIOS_MODULES,
        ],
        check=True,
    )
    data = core.read_bytes()
    if len(data) > (PARTITION_START - 1) * SECTOR:
        raise ValueError(f"GRUB's core of {len(data)} bytes does not fit before the partition")
    return data


def _write_partition(boot: Boot, loaders: Path, partition: Path, size: int) -> None:
    config = partition.with_name("grub.cfg")
    config.write_text(boot.uefi_commands())
    files = {
        "vmlinuz": boot.kernel,
        "initrd": boot.initrd,
        "EFI/BOOT/BOOTX64.EFI": loaders / "usr/lib/shim/shimx64.efi.signed",
        "EFI/BOOT/grubx64.efi": loaders / "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
        "EFI/debian/grub.cfg": config,
    }
    with partition.open("wb") as file:
        file.truncate(size)
    subprocess.run(
        ["mkfs.vfat", "--invariant", "-n", "KUBEMU", str(partition)],
        check=True,
        stdout=subprocess.DEVNULL,
        env=_environment(),
    )
    _mtools("mmd", partition, "::/EFI", "::/EFI/BOOT", "::/EFI/debian")
    for name, source in files.items():
        copy = partition.with_name("copy")
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
