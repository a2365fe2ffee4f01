"""A qcow2 header, read without trust: what may lead out of the file or cost too much is refused.

Follows QEMU's docs/interop/qcow2.txt and the bounds of QEMU's own driver, before any other program
opens the image: QEMU opens an external data file for writing even when told not to follow the
backing chain. Bytes in, values out; only `check_length` asks for more bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from ...value import Value
from .blank import MAX_SIZE
from .place import shown

MAGIC = b"QFI\xfb"
HEAD = 1 << 16
"""Bytes from the start of the file that `parse_header` wants to see (fewer when it is shorter)."""
_MIB = 1 << 20
_MAX_L1_BYTES = 32 * _MIB
_MAX_REFCOUNT_TABLE_BYTES = 8 * _MIB
_MAX_SNAPSHOTS = 65536
_BASE = struct.Struct(">4sIQIIQIIQQIIQ")
_EXTENDED = struct.Struct(">QQQII")
_DATA_FILE_BIT = 2
_KNOWN_INCOMPATIBLE = 0b11111
"""Dirty, corrupt, external data file, compression type, extended L2 entries."""
_EXTENSION_DATA_FILE = 0x44415441
_EXTENSION_ENCRYPTION = 0x0537BE77
_BLOCKS_TRIED = 64

Read = Callable[[int, int], bytes]
"""(offset, length) -> bytes of the file, fewer at its end."""


class BadImage(ValueError):
    """Why the image is not acceptable: the end of a sentence that begins with its name."""


class Header(Value):
    version: int
    cluster_bits: int
    size: int
    """Bytes of the disk inside, whole sectors."""
    backing_offset: int
    backing_length: int
    encryption: int
    l1_entries: int
    l1_offset: int
    refcount_offset: int
    refcount_clusters: int
    snapshots: int
    incompatible: int = 0
    refcount_order: int = 4
    length: int = _BASE.size

    @property
    def cluster(self) -> int:
        return 1 << self.cluster_bits


def parse_header(head: bytes) -> Header:
    """The header of an image that stands alone and has sane tables. Raises BadImage otherwise."""
    header = _read_header(head)
    for problem in _problems(header, head):
        raise BadImage(problem)
    return header


def check_length(header: Header, length: int, read: Read) -> None:
    """Refuse an image whose file ends before the last cluster that its reference counts know.

    A half-downloaded image opens without a complaint, and the guest finds zeros or errors later.
    """
    for start, size in (
        (header.refcount_offset, header.refcount_clusters << header.cluster_bits),
        (header.l1_offset, header.l1_entries * 8),
    ):
        if start + size > length:
            raise BadImage(_truncated(start + size, length))
    last = _last_cluster(header, length, read) << header.cluster_bits
    if last >= length:
        raise BadImage(_truncated(last + header.cluster, length))


def _truncated(wanted: int, length: int) -> str:
    return f"is a truncated qcow2 image: it needs {wanted} bytes, the file has {length}"


def _read_header(head: bytes) -> Header:
    if len(head) < _BASE.size:
        raise BadImage("is a truncated qcow2 image: its header is not whole")
    base = _BASE.unpack_from(head)
    if base[1] not in (2, 3):
        raise BadImage(f"is a qcow image of version {base[1]}; versions 2 and 3 are accepted")
    if base[1] == 3 and len(head) < _BASE.size + _EXTENDED.size:
        raise BadImage("is a truncated qcow2 image: its header is not whole")
    extended = _EXTENDED.unpack_from(head, _BASE.size) if base[1] == 3 else (0, 0, 0, 4, 72)
    return Header(
        version=base[1],
        backing_offset=base[2],
        backing_length=base[3],
        cluster_bits=base[4],
        size=base[5] // 512 * 512,
        encryption=base[6],
        l1_entries=base[7],
        l1_offset=base[8],
        refcount_offset=base[9],
        refcount_clusters=base[10],
        snapshots=base[11],
        incompatible=extended[0],
        refcount_order=extended[3],
        length=extended[4],
    )


def _problems(header: Header, head: bytes) -> Iterator[str]:
    yield from _references(header, head)
    if not 9 <= header.cluster_bits <= 21:
        yield f"is a qcow2 image with clusters of 2^{header.cluster_bits} bytes, which is nonsense"
        return
    yield from _shape(header)
    yield from _tables(header)
    yield from _extensions(header, head)


def _references(header: Header, head: bytes) -> Iterator[str]:
    if header.backing_offset or header.backing_length:
        start = header.backing_offset
        name = shown(head[start : start + min(header.backing_length, 1023)])
        yield f"is a qcow2 image with a backing file ('{name}'): a backing file is not allowed"
    if header.incompatible >> _DATA_FILE_BIT & 1:
        yield "is a qcow2 image with an external data file: an external data file is not allowed"
    if header.encryption:
        yield "is an encrypted qcow2 image: encryption is not supported"
    if header.incompatible >> 1 & 1:
        yield "is a qcow2 image that is marked as corrupt"
    if unknown := header.incompatible & ~_KNOWN_INCOMPATIBLE:
        yield f"is a qcow2 image with features that are not known (bits {unknown:#x})"


def _shape(header: Header) -> Iterator[str]:
    if header.size == 0:
        yield "is a qcow2 image of an empty disk"
    if header.size > MAX_SIZE:
        yield f"claims a disk of {header.size} bytes; more than {MAX_SIZE} is not accepted"
    if header.version == 3 and not 104 <= header.length <= header.cluster:
        yield f"is a qcow2 image with a header of {header.length} bytes, which is nonsense"
    if header.refcount_order > 6:
        yield f"is a qcow2 image with reference counts of 2^{header.refcount_order} bits"
    if header.snapshots > _MAX_SNAPSHOTS:
        yield f"claims {header.snapshots} snapshots"


def _tables(header: Header) -> Iterator[str]:
    # Extended L2 entries (bit 4) are 16 bytes: such a table reaches half as far.
    per_table = header.cluster // (16 if header.incompatible >> 4 & 1 else 8)
    needed = -(-header.size // (header.cluster * per_table))
    if header.l1_entries * 8 > _MAX_L1_BYTES:
        yield f"claims an L1 table of {header.l1_entries * 8} bytes"
    elif header.l1_entries < needed:
        yield "is a qcow2 image whose L1 table is too small for its disk"
    if header.refcount_clusters << header.cluster_bits > _MAX_REFCOUNT_TABLE_BYTES:
        yield f"claims a refcount table of {header.refcount_clusters << header.cluster_bits} bytes"
    elif header.refcount_clusters == 0:
        yield "is a qcow2 image without a refcount table"
    for offset in (header.l1_offset, header.refcount_offset):
        if offset % header.cluster or not 0 < offset < 1 << 56:
            yield "is a qcow2 image with tables at impossible places"


def _extensions(header: Header, head: bytes) -> Iterator[str]:
    end = min(header.cluster, len(head))
    offset = header.length
    while offset + 8 <= end:
        kind, length = struct.unpack_from(">II", head, offset)
        if kind == 0:
            return
        if kind == _EXTENSION_DATA_FILE:
            yield "names an external data file: an external data file is not allowed"
        if kind == _EXTENSION_ENCRYPTION:
            yield "is an encrypted qcow2 image: encryption is not supported"
        offset += 8 + -(-length // 8) * 8
    if offset > end:
        yield "is a qcow2 image with header extensions that do not end"


def _last_cluster(header: Header, length: int, read: Read) -> int:
    """Index of the last cluster with a reference, as far as a few blocks tell; 0 if none do."""
    table = read(header.refcount_offset, header.refcount_clusters << header.cluster_bits)
    entries = memoryview(table[: len(table) // 8 * 8]).cast("Q")
    per_block = (header.cluster * 8) >> header.refcount_order
    used = [index for index, entry in enumerate(entries) if entry]
    for index in reversed(used[-_BLOCKS_TRIED:]):
        (offset,) = struct.unpack_from(">Q", table, index * 8)
        if offset >= length:
            raise BadImage(_truncated(offset + header.cluster, length))
        block = read(offset, header.cluster).rstrip(b"\0")
        if block:
            return index * per_block + ((len(block) - 1) * 8 >> header.refcount_order)
    return 0
