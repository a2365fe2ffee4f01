"""The `newc` archives that Linux takes as an initramfs, written without root and reproducibly.

Format: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
"""

from __future__ import annotations

import dataclasses
import stat
from collections.abc import Iterable, Iterator
from typing import BinaryIO

_TRAILER = "TRAILER!!!"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One file, folder, symbolic link or device; `data` is a link's target or a file's bytes."""

    path: str
    mode: int
    data: bytes = b""
    uid: int = 0
    gid: int = 0
    device: tuple[int, int] = (0, 0)


def folder(path: str, mode: int = 0o755, *, uid: int = 0) -> Entry:
    """A directory."""
    return Entry(path=path, mode=stat.S_IFDIR | mode, uid=uid, gid=uid)


def file(path: str, data: bytes, mode: int = 0o644, *, uid: int = 0) -> Entry:
    """A regular file."""
    return Entry(path=path, mode=stat.S_IFREG | mode, data=data, uid=uid, gid=uid)


def symlink(path: str, target: str) -> Entry:
    """A symbolic link."""
    return Entry(path=path, mode=stat.S_IFLNK | 0o777, data=target.encode())


def character_device(path: str, major: int, minor: int, mode: int = 0o600) -> Entry:
    """A character device's node."""
    return Entry(path=path, mode=stat.S_IFCHR | mode, device=(major, minor))


def write(entries: Iterable[Entry], out: BinaryIO) -> None:
    """Write an archive of these entries, parents first; folders that no entry names are added.

    Raises ValueError when two entries have one path: the kernel would unpack both.
    """
    offset = 0
    for inode, entry in enumerate(_complete(entries), start=1):
        offset += _write_entry(entry, inode, out)
    offset += _write_entry(Entry(path=_TRAILER, mode=0), 0, out)
    out.write(bytes(-offset % 512))


def _complete(entries: Iterable[Entry]) -> Iterator[Entry]:
    by_path: dict[str, Entry] = {}
    for entry in entries:
        if by_path.setdefault(entry.path, entry) is not entry:
            raise ValueError(f"two entries are named {entry.path}")
    for path in list(by_path):
        parts = path.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            by_path.setdefault(parent, folder(parent))
    for path in sorted(by_path, key=lambda path: path.split("/")):
        yield by_path[path]


def _write_entry(entry: Entry, inode: int, out: BinaryIO) -> int:
    name = entry.path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (
        *(inode, entry.mode, entry.uid, entry.gid, links, 0, len(entry.data)),
        *(0, 0, *entry.device, len(name), 0),
    )
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    header += bytes(-len(header) % 4)
    body = entry.data + bytes(-len(entry.data) % 4)
    out.write(header + body)
    return len(header) + len(body)
