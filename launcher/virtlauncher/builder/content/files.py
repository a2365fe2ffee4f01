"""Finding and opening files without being led elsewhere.

A path is walked component by component with O_PATH | O_NOFOLLOW, each from the descriptor of the
one before: no link is followed, nothing above the root is reachable, and a component that is
swapped later changes nothing. The handle at the end says what the file *is* before anything opens
it, and every later open goes through that handle: the file that was looked at is the one used.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from enum import StrEnum

from ...value import Value
from .place import Place, shown


class Kind(StrEnum):
    FILE = "a regular file"
    FOLDER = "a directory"
    LINK = "a symbolic link"
    FIFO = "a FIFO"
    SOCKET = "a socket"
    CHARACTER = "a character device"
    BLOCK = "a block device"

    @classmethod
    def of(cls, mode: int) -> Kind:
        return _KINDS[stat.S_IFMT(mode)]


_KINDS = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFDIR: Kind.FOLDER,
    stat.S_IFLNK: Kind.LINK,
    stat.S_IFIFO: Kind.FIFO,
    stat.S_IFSOCK: Kind.SOCKET,
    stat.S_IFCHR: Kind.CHARACTER,
    stat.S_IFBLK: Kind.BLOCK,
}


class Handle(Value):
    """A file that was found, not opened: `fd` is O_PATH, its owner is who found it."""

    fd: int
    name: str
    """For messages."""
    place: Place
    status: os.stat_result

    @property
    def kind(self) -> Kind:
        return Kind.of(self.status.st_mode)

    def require(self, *kinds: Kind) -> None:
        """BadVolume naming what was found, unless it is one of *kinds*."""
        if self.kind not in kinds:
            raise self.place.bad(f"{self.name} is {self.kind}, not {' or '.join(kinds)}")

    def open(self, flags: int) -> int:
        """A new open description of the very file. BadVolume where permissions forbid it."""
        try:
            return self.open_or_fail(flags)
        except OSError as error:
            raise self._refusal(flags, error) from error

    def open_or_fail(self, flags: int) -> int:
        """The same with the system's OSError, for probes."""
        return os.open(f"/proc/self/fd/{self.fd}", flags | os.O_CLOEXEC)

    def _refusal(self, flags: int, error: OSError) -> Exception:
        access = "read" if flags & os.O_ACCMODE == os.O_RDONLY else "written"
        text = f"{self.name} cannot be {access} by uid {os.geteuid()}"
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            mode = f"{stat.S_IMODE(self.status.st_mode):04o}"
            owner = f"{self.status.st_uid}:{self.status.st_gid}"
            return self.place.bad(f"{text}: {error.strerror} (owner {owner}, mode {mode})")
        return self.place.failed(text, error)


@contextlib.contextmanager
def found(path: str, place: Place, *, follow: bool) -> Iterator[Handle]:
    """The file that whoever started the VM named; *follow* whether its last part may be a link."""
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    except OSError as error:
        raise _not_found(place, path, error) from error
    with _closing(fd):
        yield Handle(fd=fd, name=shown(path), place=place, status=os.fstat(fd))


@contextlib.contextmanager
def found_beneath(root: Handle, path: str) -> Iterator[Handle]:
    """The file at *path* (with or without a leading slash) below the folder *root*.

    Raises BadVolume where a part is missing, leads elsewhere, or is no folder.
    """
    with contextlib.ExitStack() as stack:
        here = root
        for part in _parts(path, root.place):
            here.require(Kind.FOLDER)
            here = stack.enter_context(_entry(here, part, root))
        yield here


def is_missing(root: Handle, name: str) -> bool:
    """Whether the folder *root* has no entry *name* of any kind."""
    try:
        os.stat(name, dir_fd=root.fd, follow_symlinks=False)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise _not_found(root.place, f"{root.name}/{name}", error) from error
    return False


def entries(folder: Handle) -> list[str]:
    """Names in a folder, sorted. BadVolume where it cannot be read."""
    fd = folder.open(os.O_RDONLY | os.O_DIRECTORY)
    with _closing(fd), os.scandir(fd) as listing:
        return sorted(entry.name for entry in listing)


@contextlib.contextmanager
def _entry(folder: Handle, part: str, root: Handle) -> Iterator[Handle]:
    name = shown(part) if folder is root else f"{folder.name}/{shown(part)}"
    try:
        fd = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder.fd)
    except OSError as error:
        raise _not_found(root.place, name, error) from error
    with _closing(fd):
        yield Handle(fd=fd, name=name, place=root.place, status=os.fstat(fd))


def _parts(path: str, place: Place) -> list[str]:
    parts = path.removeprefix("/").split("/")
    if "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise place.bad(f"'{shown(path)}' is not the plain path of a file")
    return parts


def _not_found(place: Place, name: str, error: OSError) -> Exception:
    if isinstance(error, FileNotFoundError):
        return place.bad(f"there is no {shown(name)}")
    return place.bad(f"{shown(name)} cannot be opened: {error.strerror}")


@contextlib.contextmanager
def _closing(fd: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(fd)
