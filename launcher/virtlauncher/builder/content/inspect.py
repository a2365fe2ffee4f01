"""Whether a file that was opened is a raw or qcow2 image, and how large its disk is."""

from __future__ import annotations

import dataclasses
import os
import stat

from . import formats, qcow2
from .files import Handle
from .formats import Format
from .place import Place

SECTOR = 512


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inspected:
    format: Format
    size: int
    """Bytes of the disk inside, whole sectors."""
    iso: bool = False
    preallocated: bool = False


def inspect(fd: int, name: str, place: Place) -> Inspected:
    """Look at an untrusted image by descriptor. Raises BadVolume naming what was found."""
    length = length_of(fd)
    head = os.pread(fd, formats.HEAD, 0)
    kind = formats.recognise(head, os.pread(fd, formats.TAIL, max(length - formats.TAIL, 0)))
    if isinstance(kind, formats.Foreign):
        raise place.bad(
            f"{name} is {kind.name}; only raw and qcow2 images are accepted", hint=kind.hint
        )
    if length == 0:
        raise place.bad(f"{name} is empty")
    if kind is Format.RAW:
        return raw(fd, iso=formats.is_iso(head))
    try:
        header = qcow2.parse_header(head)
        qcow2.check_length(header, length, lambda offset, size: os.pread(fd, size, offset))
    except qcow2.BadImage as error:
        raise place.bad(f"{name} {error}") from error
    return Inspected(format=Format.QCOW2, size=header.size)


def raw(fd: int, *, iso: bool = False) -> Inspected:
    """A disk whose bytes are the guest's: nothing in it is looked at."""
    length = length_of(fd)
    return Inspected(
        format=Format.RAW,
        size=-(-length // SECTOR) * SECTOR,
        iso=iso,
        preallocated=_preallocated(fd, length),
    )


def length_of(fd: int) -> int:
    """Bytes of a regular file or block device."""
    return os.lseek(fd, 0, os.SEEK_END)


def is_block(handle: Handle) -> bool:
    return stat.S_ISBLK(handle.status.st_mode)


def _preallocated(fd: int, length: int) -> bool:
    status = os.fstat(fd)
    return stat.S_ISREG(status.st_mode) and 0 < length <= status.st_blocks * SECTOR
