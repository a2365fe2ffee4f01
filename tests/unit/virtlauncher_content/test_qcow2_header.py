"""The qcow2 reader against bytes that nobody vouches for."""

from __future__ import annotations

import dataclasses
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtlauncher.builder.content.blank import MAX_SIZE, BlankImage, blank_image
from virtlauncher.builder.content.qcow2 import BadImage, Header, check_length, parse_header

SIZES = st.integers(1, MAX_SIZE // 512).map(lambda sectors: sectors * 512)


def written(image: BlankImage) -> bytes:
    data = bytearray(image.length)
    for piece in image.pieces:
        data[piece.offset : piece.offset + len(piece.data)] = piece.data
    return bytes(data)


@given(SIZES)
def test_a_blank_image_is_accepted_whole(size: int) -> None:
    data = written(blank_image(size))
    header = parse_header(data[: 1 << 16])
    assert (header.version, header.cluster, header.size) == (3, 1 << 16, size)
    check_length(header, len(data), lambda offset, length: data[offset : offset + length])


@given(SIZES, st.integers(1, 1 << 30))
def test_a_blank_image_that_lost_its_end_is_refused(size: int, cut: int) -> None:
    data = written(blank_image(size))
    header = parse_header(data[: 1 << 16])
    short = data[: max(len(data) - (1 << 16) - cut, 0)]
    with pytest.raises(BadImage, match="truncated"):
        check_length(header, len(short), lambda offset, length: short[offset : offset + length])


@pytest.mark.parametrize("size", [0, 1, 513, -512, MAX_SIZE + 512])
def test_a_size_that_no_disk_has_is_a_mistake_of_the_caller(size: int) -> None:
    with pytest.raises(ValueError, match="no disk can have"):
        blank_image(size)


@given(st.binary(max_size=600), st.sampled_from([2, 3]))
def test_random_headers_are_refused_or_sane(noise: bytes, version: int) -> None:
    head = b"QFI\xfb" + struct.pack(">I", version) + noise
    try:
        header = parse_header(head)
    except BadImage as error:
        assert str(error)
    else:
        assert_sane(header)


@given(st.integers(4, 111), st.binary(min_size=1, max_size=8))
def test_a_changed_header_is_refused_or_sane(offset: int, noise: bytes) -> None:
    data = bytearray(written(blank_image(1 << 30)))
    data[offset : offset + len(noise)] = noise
    head = bytes(data[: 1 << 16])
    try:
        assert_sane(parse_header(head))
    except BadImage as error:
        assert str(error)


def assert_sane(header: Header) -> None:
    assert not header.backing_offset
    assert not header.encryption
    assert not header.incompatible & 0b100
    assert 0 < header.size <= MAX_SIZE
    assert header.l1_entries * 8 <= 32 << 20
    assert header.refcount_clusters << header.cluster_bits <= 8 << 20


def extended(kind: int, payload: bytes) -> bytes:
    """A blank image's header with one extension."""
    data = bytearray(written(blank_image(1 << 30))[: 1 << 16])
    extension = struct.pack(">II", kind, len(payload)) + payload
    data[112 : 112 + len(extension)] = extension
    return bytes(data)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (0x44415441, "names an external data file: an external data file is not allowed"),
        (0x0537BE77, "is an encrypted qcow2 image: encryption is not supported"),
    ],
)
def test_an_extension_that_leads_elsewhere_is_refused(kind: int, sentence: str) -> None:
    with pytest.raises(BadImage) as refused:
        parse_header(extended(kind, b"/etc/shadow"))
    assert str(refused.value) == sentence


def test_an_extension_that_is_not_known_is_none_of_our_business() -> None:
    assert parse_header(extended(0x6803F857, bytes(48))).size == 1 << 30


def test_an_extension_without_end_is_refused() -> None:
    head = bytearray(extended(0x6803F857, b""))
    head[116:120] = struct.pack(">I", 1 << 31)
    with pytest.raises(BadImage, match="do not end"):
        parse_header(bytes(head))


def test_the_name_of_a_backing_file_is_shown_harmlessly() -> None:
    name = b"\x1b[2Jjson:{}\n" * 200
    header = struct.pack(">4sIQI", b"QFI\xfb", 3, 200, len(name))
    with pytest.raises(BadImage) as refused:
        parse_header(header.ljust(200, b"\0") + name)
    assert len(str(refused.value)) < 400
    assert str(refused.value).isprintable()


def test_reference_counts_that_go_in_circles_end() -> None:
    """A table with a million entries for one empty block: only a few are looked at."""
    header = dataclasses.replace(
        parse_header(written(blank_image(1 << 30))[: 1 << 16]),
        refcount_clusters=128,
        refcount_offset=1 << 16,
    )
    reads = []

    def read(offset: int, length: int) -> bytes:
        reads.append(offset)
        return struct.pack(">Q", 1 << 40) * (length // 8) if length > 1 << 16 else bytes(length)

    check_length(header, 1 << 50, read)
    assert len(reads) == 65
