"""Files made for one VM: private, never through an existing name, gone again when a start fails."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from .blank import MAX_SIZE, blank_image
from .files import Handle
from .holdings import Holdings
from .place import Place

PRIVATE = 0o600


@contextlib.contextmanager
def new_file(path: Path, place: Place, holdings: Holdings) -> Iterator[tuple[int, str]]:
    """A new empty file of ours in a folder of ours: descriptor (read-write) and path.

    What has the name is from a start that was cut off, and is replaced. LaunchFailed where the
    file system does not let us (full, read-only).
    """
    try:
        path.unlink(missing_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(path, flags, PRIVATE)
        name = holdings.made(path)
        try:
            yield fd, name
        finally:
            os.close(fd)
    except OSError as error:
        raise place.failed(f"{path} cannot be made", error) from error


@contextlib.contextmanager
def nameless_file(folder: Path, place: Place) -> Iterator[int]:
    """A new file in *folder* that no path leads to: it is gone with its last descriptor."""
    try:
        try:
            fd = os.open(folder, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, PRIVATE)
        except OSError:  # not every file system has it: make one with a name, and drop the name
            path = folder / f".{os.urandom(8).hex()}"
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
            path.unlink()
        try:
            yield fd
        finally:
            os.close(fd)
    except OSError as error:
        raise place.failed(f"a file in {folder} cannot be made", error) from error


def write_blank(fd: int, size: int, place: Place) -> None:
    """Make the empty file *fd* an empty qcow2 image of *size* bytes."""
    if not 0 < size <= MAX_SIZE:
        raise place.bad(f"a disk of {size} bytes cannot be made (limit {MAX_SIZE})")
    image = blank_image(size)
    os.ftruncate(fd, image.length)
    for piece in image.pieces:
        write_all(fd, piece.data, piece.offset)


def write_all(fd: int, data: bytes | memoryview, offset: int = 0) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(fd, rest, offset)
        offset += written
        rest = rest[written:]


def as_handle(fd: int, name: str, place: Place) -> Handle:
    """A file that was just made, for opening it again as QEMU wants it."""
    return Handle(fd=fd, name=name, place=place, status=os.fstat(fd))
