"""Tar archives, read forwards once, from anybody: every length is bounded before it is believed.

Reads what image builders write: ustar, pax and GNU long names. Sparse members are refused.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator
from typing import Protocol

from ..errors import BadImage

_BLOCK = 512
_HEADER_LIMIT = 256 * 1024
"""Bytes of a long name or of a pax header: names have 4096 at most, the rest is labels."""


class Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Kind(enum.Enum):
    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    HARDLINK = "hard link"
    SPECIAL = "device, pipe or socket"


_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"1": Kind.HARDLINK,
    b"2": Kind.SYMLINK,
    b"3": Kind.SPECIAL,
    b"4": Kind.SPECIAL,
    b"5": Kind.FOLDER,
    b"6": Kind.SPECIAL,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Member:
    name: str
    kind: Kind
    size: int = 0
    link: str = ""


class Body:
    """A member's content; valid until the next member is asked for."""

    def __init__(self, stream: Stream, size: int) -> None:
        self._stream = stream
        self.left = size

    def read(self, size: int) -> bytes:
        """At most `size` bytes; empty at the end. Raises BadImage when the archive ends first."""
        wanted = min(size, self.left)
        data = self._stream.read(wanted) if wanted else b""
        if wanted and not data:
            raise BadImage("a layer ends in the middle of a file")
        self.left -= len(data)
        return data


@dataclasses.dataclass
class _Extended:
    """What headers before a member say about it."""

    name: str | None = None
    link: str | None = None
    size: int | None = None


def read_members(stream: Stream) -> Iterator[tuple[Member, Body]]:
    """The members in order, each with its body. Raises BadImage for anything that is no tar."""
    extended, first = _Extended(), True
    while (header := _block(stream, first)) is not None:
        first = False
        flag = header[156:157]
        size = _number(header[124:136]) if extended.size is None else extended.size
        if flag in b"gxLK" and flag:
            _extend(extended, flag, _small(stream, size))
            continue
        member = _member(header, flag, size, extended)
        extended = _Extended()
        body = Body(stream, member.size)
        yield member, body
        _skip(stream, body.left + -member.size % _BLOCK)


def _block(stream: Stream, first: bool) -> bytes | None:
    """The next header, or None at the end: an empty block, or nothing more after a member."""
    header = _exactly(stream, _BLOCK, at_end=not first)
    if not header or header == bytes(_BLOCK):
        return None
    total = sum(header[:148]) + sum(header[156:]) + 8 * ord(" ")
    if total != _number(header[148:156]):
        raise BadImage("a layer is no tar archive")
    return header


def _member(header: bytes, flag: bytes, size: int, extended: _Extended) -> Member:
    kind = _KINDS.get(flag)
    if kind is None:
        raise BadImage(f"a layer has a tar member of type {flag!r}")
    name = _text(header[:100]) if extended.name is None else extended.name
    if extended.name is None and header[257:263] == b"ustar\0" and header[345]:
        name = f"{_text(header[345:500])}/{name}"
    if flag == b"\0" and name.endswith("/"):
        kind = Kind.FOLDER  # As the oldest tars wrote folders.
    return Member(
        name=name,
        kind=kind,
        size=size if kind is Kind.FILE else 0,
        link=_text(header[157:257]) if extended.link is None else extended.link,
    )


def _extend(extended: _Extended, flag: bytes, data: bytes) -> None:
    match flag:
        case b"L":
            extended.name = _text(data)
        case b"K":
            extended.link = _text(data)
        case b"x":
            for key, value in _pax(data):
                _apply(extended, key, value)
        case _:
            pass  # Global headers carry comments and times.


def _apply(extended: _Extended, key: str, value: bytes) -> None:
    if key == "path":
        extended.name = _text(value)
    elif key == "linkpath":
        extended.link = _text(value)
    elif key == "size":
        extended.size = _decimal(value)
    elif key.startswith("GNU.sparse."):
        raise BadImage("a layer has a sparse tar member", hint="pack it without --sparse")


def _pax(data: bytes) -> Iterator[tuple[str, bytes]]:
    """`LENGTH KEY=VALUE\\n` records; the length counts itself."""
    while data:
        digits, space, _ = data[:21].partition(b" ")
        length = _decimal(digits) if space else 0
        record, data = data[len(digits) + 1 : length], data[length:]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n") or length != len(digits) + 1 + len(record):
            raise BadImage("a layer has a broken pax header")
        yield key.decode(errors="replace"), value[:-1]


def _small(stream: Stream, size: int) -> bytes:
    if size > _HEADER_LIMIT:
        raise BadImage(f"a layer has a tar header of {size} bytes")
    data = _exactly(stream, size)
    _skip(stream, -size % _BLOCK)
    return data


def _skip(stream: Stream, count: int) -> None:
    while count:
        count -= len(_exactly(stream, min(count, 1 << 20)))


def _exactly(stream: Stream, size: int, *, at_end: bool = False) -> bytes:
    data = stream.read(size)
    while data and len(data) < size:
        more = stream.read(size - len(data))
        if not more:
            break
        data += more
    if len(data) < size and not (at_end and not data):
        raise BadImage("a layer ends in the middle of its tar archive")
    return data


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode(errors="surrogateescape")


def _number(field: bytes) -> int:
    """Octal text, or base 256 when the first bit is set."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
        if field[0] & 0x40:
            raise BadImage("a layer is no tar archive: a number is negative")
        return value
    digits = field.strip(b" \0")
    try:
        return int(digits or b"0", 8)
    except ValueError as error:
        raise BadImage("a layer is no tar archive: a number is broken") from error


def _decimal(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 20:
        raise BadImage("a layer has a pax header with a broken number")
    return int(digits)
