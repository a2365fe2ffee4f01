"""What a file is said to be, by its first and last bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtlauncher.builder.content.formats import Foreign, Format, is_iso, recognise


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"# Disk DescriptorFile\nversion=1", "a VMDK description"),
        (b"COWD", "a VMDK image"),
        (b"vhdxfile", "a VHDX image"),
        (bytes(64) + b"\x7f\x10\xda\xbe", "a VDI image"),
        (b"QFI\xfb\0\0\0\1", "a qcow image (version 1)"),
        (b"BZh9", "a bzip2 file"),
        (b"\x28\xb5\x2f\xfd", "a zstd file"),
        (b"\x04\x22\x4d\x18", "an lz4 file"),
        (b"PK\x03\x04", "a zip archive"),
        (bytes(257) + b"ustar", "a tar archive"),
        (b"\xef\xbb\xbf\r\n <HTML>", "an HTML page"),
    ],
)
def test_a_foreign_file_is_named(head: bytes, name: str) -> None:
    found = recognise(head, b"")
    assert isinstance(found, Foreign)
    assert found.name == name


def test_the_end_tells_a_fixed_vhd_and_a_dmg() -> None:
    assert [recognise(bytes(512), end.ljust(512, b"\0")) for end in (b"conectix", b"koly")] == [
        Foreign(
            name="a VHD image",
            hint="Convert it: qemu-img convert -f vpc -O qcow2 IMAGE disk.qcow2",
        ),
        Foreign(
            name="a DMG image",
            hint="Convert it: qemu-img convert -f dmg -O qcow2 IMAGE disk.qcow2",
        ),
    ]


def test_a_disk_with_a_boot_sector_is_raw_and_a_cd_too() -> None:
    boot = bytes(510) + b"\x55\xaa"
    cd = bytes(32769) + b"CD001"
    assert [recognise(boot, boot), recognise(cd, b"")] == [Format.RAW, Format.RAW]
    assert [is_iso(boot), is_iso(cd)] == [False, True]


def test_qcow2_is_what_says_so_and_is_newer_than_version_1() -> None:
    assert recognise(b"QFI\xfb\0\0\0\3", b"") is Format.QCOW2


@given(st.binary(max_size=2000), st.binary(max_size=512))
def test_every_file_is_something(head: bytes, tail: bytes) -> None:
    assert isinstance(recognise(head, tail), Format | Foreign)
