"""Whether someone else uses an image, asked in QEMU's own language of file locks.

QEMU (block/file-posix.c) holds a shared OFD lock on byte 100 + N for each permission N that it
uses, and on byte 200 + N for each that it does not let others use. QEMU takes the locks itself and
fails when it cannot; asking first gives a sentence with a name in it instead of QEMU's.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterable
from pathlib import Path

_FLOCK = struct.Struct("@hhqqi0q")
"""struct flock: type, whence, start, length, pid."""
_READ, _WRITE, _RESIZE = 0, 1, 3
"""Numbers of QEMU's permissions: consistent read, write, resize."""
_USED, _UNSHARED = 100, 200


def is_in_use(fd: int, *, write: bool, share: bool) -> bool:
    """Whether a process holds locks that keep QEMU from using *fd*.

    *write*: we want to write. *share*: we let others write. False where the file system has no
    locks: QEMU is the judge then.
    """
    mine = [_READ, _WRITE] if write else [_READ]
    refused = [] if share else [_WRITE, _RESIZE]
    asked = [_UNSHARED + bit for bit in mine] + [_USED + bit for bit in refused]
    try:
        return any(_is_locked(fd, byte) for byte in asked)
    except OSError:
        return False


def find_user(fd: int) -> str:
    """A process that has the same file open, e.g. 'process 12 (qemu-system-x86)', or ''.

    Sees only what this user may see; for a message, when a lock was found.
    """
    status = os.fstat(fd)
    for process in [path for path in Path("/proc").iterdir() if path.name.isdigit()]:
        if process.name != str(os.getpid()) and (status.st_dev, status.st_ino) in _open(process):
            return f"process {process.name} ({_name(process)})"
    return ""


def _is_locked(fd: int, byte: int) -> bool:
    # The question is for a write lock: any lock of others, shared ones too, is in its way.
    question = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
    answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, question)
    return bool(_FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)


def _open(process: Path) -> Iterable[tuple[int, int]]:
    try:
        for entry in (process / "fd").iterdir():
            status = entry.stat()
            yield status.st_dev, status.st_ino
    except OSError:
        return  # it ended, or is not ours to look into


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "gone since"
