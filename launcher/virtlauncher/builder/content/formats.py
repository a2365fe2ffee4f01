"""What a file is, by its first and last bytes: to name it when it is no raw or qcow2 image."""

from __future__ import annotations

from enum import StrEnum

from ...value import Value
from . import qcow2

HEAD = qcow2.HEAD
"""Bytes from the start that `recognise` wants to see."""
TAIL = 512
"""Bytes from the end."""


class Format(StrEnum):
    RAW = "raw"
    QCOW2 = "qcow2"


class Foreign(Value):
    """A kind of file that is no disk image for us."""

    name: str
    """With its article: 'a VMDK image'."""
    hint: str = ""


class _Signature(Value):
    foreign: Foreign
    magic: bytes
    offset: int = 0


def _image(name: str, driver: str, magic: bytes, offset: int = 0) -> _Signature:
    hint = f"Convert it: qemu-img convert -f {driver} -O qcow2 IMAGE disk.qcow2"
    return _Signature(foreign=Foreign(name=name, hint=hint), magic=magic, offset=offset)


def _packed(name: str, tool: str, magic: bytes, offset: int = 0) -> _Signature:
    hint = f"Unpack it first, e.g. with {tool}."
    return _Signature(foreign=Foreign(name=name, hint=hint), magic=magic, offset=offset)


_LUKS = _Signature(
    foreign=Foreign(name="an encrypted (LUKS) disk", hint="Encrypted images are not supported."),
    magic=b"LUKS\xba\xbe",
)
_AT_START = (
    _image("a VMDK image", "vmdk", b"KDMV"),
    _image("a VMDK image", "vmdk", b"COWD"),
    _image("a VMDK description", "vmdk", b"# Disk DescriptorFile"),
    _image("a VHDX image", "vhdx", b"vhdxfile"),
    _image("a VHD image", "vpc", b"conectix"),
    _image("a VDI image", "vdi", b"\x7f\x10\xda\xbe", 64),
    _image("a QED image", "qed", b"QED\0"),
    _image("a qcow image (version 1)", "qcow", qcow2.MAGIC + b"\0\0\0\1"),
    _image("a Parallels image", "parallels", b"WithoutFreeSpace"),
    _image("a Parallels image", "parallels", b"WithouFreSpacExt"),
    _LUKS,
    _packed("a gzip file", "gunzip", b"\x1f\x8b\x08"),
    _packed("an xz file", "unxz", b"\xfd7zXZ\0"),
    _packed("a bzip2 file", "bunzip2", b"BZh"),
    _packed("a zstd file", "unzstd", b"\x28\xb5\x2f\xfd"),
    _packed("an lz4 file", "unlz4", b"\x04\x22\x4d\x18"),
    _packed("a zip archive", "unzip", b"PK\x03\x04"),
    _packed("a 7-Zip archive", "7z", b"7z\xbc\xaf\x27\x1c"),
    _packed("a tar archive", "tar", b"ustar", 257),
)
_AT_END = (
    _image("a VHD image", "vpc", b"conectix"),
    _image("a DMG image", "dmg", b"koly"),
)
_WEB_PAGE = Foreign(
    name="an HTML page", hint="A download has probably ended at an error or login page."
)
_ISO_AT = 32769
_ISO_MAGIC = b"CD001"


def recognise(head: bytes, tail: bytes) -> Format | Foreign:
    """The format of a file that begins with *head* (`HEAD` bytes) and ends with *tail* (`TAIL`).

    What is not known is raw, as ISO 9660 images are.
    """
    for signature in _AT_START:
        if head.startswith(signature.magic, signature.offset):
            return signature.foreign
    for signature in _AT_END:
        if tail.startswith(signature.magic):
            return signature.foreign
    if head.startswith(qcow2.MAGIC):
        return Format.QCOW2
    text = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<?xml")):
        return _WEB_PAGE
    return Format.RAW


def is_iso(head: bytes) -> bool:
    """Whether it is an ISO 9660 file system."""
    return head.startswith(_ISO_MAGIC, _ISO_AT)
