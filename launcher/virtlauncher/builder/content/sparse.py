"""Sparse raw disks that stay: made in a claim or on the node, once, and marked as ours there."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import stat

from .files import Handle, Kind, found_beneath, is_missing
from .holdings import Holdings
from .limits import MIB
from .stores import Store

MARK = "user.kubemu.made"
"""Extended attribute of a hostDisk that was made for a VM."""
TOLERANCE = 10
"""Percent of a hostDisk's capacity that may be missing (pvcTolerateLessSpaceUpToPercent)."""


def is_unmade(root: Handle, name: str) -> bool:
    """Whether *name* is missing, or is a regular file that was created but never got its size."""
    if is_missing(root, name):
        return True
    with found_beneath(root, name) as handle:
        return handle.kind is Kind.FILE and handle.status.st_size == 0


def create(root: Handle, name: str, size: int, holdings: Holdings, *, mark: bool) -> None:
    """Make *name* below *root* a hole of *size* bytes, on disk when this returns.

    The group may write where the folder hands its group on (a pod's fsGroup). Undone with the
    holdings: removed, or empty again if it was there.
    """
    existed = not is_missing(root, name)
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | (0 if existed else os.O_CREAT | os.O_EXCL)
    try:
        fd = os.open(name, flags, 0o600, dir_fd=root.fd)
        try:
            _remember(root, fd, name, holdings, existed=existed)
            if not existed and root.status.st_mode & stat.S_ISGID:
                os.fchmod(fd, 0o660)
            if mark:
                _mark(fd)
            os.ftruncate(fd, size)
            os.fsync(fd)
        finally:
            os.close(fd)
        _sync_folder(root)
    except OSError as error:
        raise root.place.failed(f"{root.name}/{name} cannot be made", error) from error


def grow(handle: Handle, size: int, holdings: Holdings, *, holes: bool) -> Handle:
    """Make a regular file larger, on disk when this returns; the same file, looked at again.

    What is new are *holes*, or room that is taken at once. Undone with the holdings.
    """
    before = handle.status.st_size
    fd = handle.open(os.O_RDWR)
    try:
        kept = holdings.keep_for_undo(fd)
        holdings.on_undo(lambda: os.ftruncate(kept, before))
        if holes:
            os.ftruncate(fd, size)
        else:
            os.posix_fallocate(fd, before, size - before)
        os.fsync(fd)
        return dataclasses.replace(handle, status=os.fstat(fd))
    except OSError as error:
        raise handle.place.failed(f"{handle.name} cannot grow to {size} bytes", error) from error
    finally:
        os.close(fd)


def is_marked(store: Store) -> bool:
    with store.reading() as fd:
        try:
            return bool(os.getxattr(fd, MARK))
        except OSError as error:
            if error.errno in (errno.ENODATA, errno.ENOTSUP):
                return False
            raise store.place.failed(f"{store.name} cannot be read", error) from error


def tolerated(root: Handle, size: int, warnings: list[str]) -> int:
    """*size*, or a little less where the file system below *root* has not that much room."""
    room = os.statvfs(f"/proc/self/fd/{root.fd}")
    available = room.f_bavail * room.f_frsize // MIB * MIB
    if size <= available:
        return size
    if available < size * (100 - TOLERANCE) // 100:
        raise root.place.bad(
            f"{root.name} has not enough space: {size} bytes are wanted, {available} are available"
        )
    warnings.append(
        f"{root.place.subject}: the disk has {available} bytes instead of {size}: "
        f"{root.name} has no more room (up to {TOLERANCE} % less is tolerated)"
    )
    return available


def _remember(root: Handle, fd: int, name: str, holdings: Holdings, *, existed: bool) -> None:
    folder, made = holdings.keep_for_undo(root.fd), os.fstat(fd)

    def undo() -> None:
        with contextlib.suppress(FileNotFoundError):
            now = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if os.path.samestat(now, made):
                _take_back(folder, name, existed=existed)

    holdings.on_undo(undo)


def _take_back(folder: int, name: str, *, existed: bool) -> None:
    if existed:
        fd = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        os.ftruncate(fd, 0)
        os.close(fd)
    else:
        os.unlink(name, dir_fd=folder)


def _mark(fd: int) -> None:
    try:
        os.setxattr(fd, MARK, b"1")
    except OSError as error:
        # Without the mark the next start refuses the file and says how to go on: type Disk.
        if error.errno != errno.ENOTSUP:
            raise


def _sync_folder(root: Handle) -> None:
    fd = os.open(f"/proc/self/fd/{root.fd}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
