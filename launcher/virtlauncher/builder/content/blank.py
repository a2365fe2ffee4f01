"""An empty qcow2 image, written as bytes: the top of every overlay and every empty disk.

Four structures of the qcow2 version 3 format (QEMU's docs/interop/qcow2.txt): header, refcount
table, one refcount block, and an L1 table that is a hole. No backing file is named in the header:
QEMU is always told the chain explicitly, so that no name in a file can lead it elsewhere.
"""

from __future__ import annotations

import struct

from ...value import Value

CLUSTER_BITS = 16
CLUSTER = 1 << CLUSTER_BITS
"""QEMU's default of 64 KiB."""
MAX_SIZE = 1 << 46
"""64 TiB: no node has a larger disk, and the tables below stay within one refcount block."""
_HEADER_LENGTH = 112
_HEADER = struct.Struct(">4sIQIIQIIQQIIQQQQII B7x")
_REFCOUNT_ORDER = 4
"""Entries of 16 bits: one block counts 32768 clusters, 2 GiB of the file."""
_COPIED_PER_L2 = CLUSTER // 8
_FIXED_CLUSTERS = 3


class Piece(Value):
    """Bytes at an offset of the file; everything else is a hole."""

    offset: int
    data: bytes


class BlankImage(Value):
    length: int
    """Of the file."""
    pieces: tuple[Piece, ...]


def blank_image(size: int) -> BlankImage:
    """The image of a disk of *size* bytes (a multiple of 512, at most `MAX_SIZE`)."""
    if size % 512 or not 0 < size <= MAX_SIZE:
        raise ValueError(f"no disk can have {size} bytes")
    l1_entries = -(-size // (CLUSTER * _COPIED_PER_L2))
    clusters = _FIXED_CLUSTERS + -(-l1_entries * 8 // CLUSTER)
    return BlankImage(
        length=clusters * CLUSTER,
        pieces=(
            Piece(offset=0, data=_header(size, l1_entries)),
            Piece(offset=CLUSTER, data=struct.pack(">Q", 2 * CLUSTER)),
            Piece(offset=2 * CLUSTER, data=struct.pack(">H", 1) * clusters),
        ),
    )


def _header(size: int, l1_entries: int) -> bytes:
    return _HEADER.pack(
        b"QFI\xfb",
        3,
        0,  # backing file: offset and length of its name
        0,
        CLUSTER_BITS,
        size,
        0,  # encryption
        l1_entries,
        _FIXED_CLUSTERS * CLUSTER,
        CLUSTER,  # refcount table: offset and clusters
        1,
        0,  # snapshots: number and offset
        0,
        0,  # features: incompatible, compatible, autoclear
        0,
        0,
        _REFCOUNT_ORDER,
        _HEADER_LENGTH,
        0,  # compression: zlib
    ) + bytes(8)  # no header extensions
