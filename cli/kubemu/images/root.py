"""A folder that image layers are unpacked into; nothing in a layer can reach beyond it.

Every path is walked component by component from the root's descriptor, following no link. There
are regular files (read-only), folders and symlinks as they are; nothing else comes to exist.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import BadImage, ImageError
from .tarstream import Body

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 256 * 1024
_ZEROS = bytes(_CHUNK)
_UNPACKABLE = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOENT)
"""ENOENT: a hard link that replaces a folder with its own target in it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """What an image may cost, all layers together."""

    size: int = 128 << 30
    """Bytes of content, holes counted."""
    members: int = 500_000
    depth: int = 64
    path: int = 4096


class Root:
    """Unpacks into one existing, empty folder; used within `open_root`."""

    def __init__(self, descriptor: int, limits: Limits) -> None:
        self._root = descriptor
        self._limits = limits
        self._size = 0
        self._members = 0
        self._fresh: set[tuple[str, ...]] = set()

    def start_layer(self) -> None:
        """From here on, whiteouts concern what is there now."""
        self._fresh.clear()

    def count(self) -> None:
        self._members += 1
        if self._members > self._limits.members:
            raise BadImage(f"an image has more than {self._limits.members} files")

    def folder(self, name: str) -> None:
        with self._parent(name) as (parent, last):
            if last and not _is_folder(parent, last):
                self._clear(parent, last)
                os.mkdir(last, 0o755, dir_fd=parent)

    def file(self, name: str, body: Body) -> None:
        """A read-only file; runs of zeros become holes."""
        self._size += body.left
        if self._size > self._limits.size:
            raise BadImage(f"an image has more than {self._limits.size >> 30} GiB of files")
        with self._parent(name) as (parent, last):
            self._clear(parent, _named(last, name))
            handle = os.open(last, _FILE_FLAGS, 0o444, dir_fd=parent)
            try:
                _fill(handle, body)
            finally:
                os.close(handle)

    def symlink(self, name: str, target: str) -> None:
        with self._parent(name) as (parent, last):
            self._clear(parent, _named(last, name))
            os.symlink(target, last, dir_fd=parent)

    def hardlink(self, name: str, target: str) -> None:
        """A second name for a regular file of this image."""
        with self._parent(target, make=False) as (source, file):
            if not _is_file(source, _named(file, target)):
                raise BadImage(
                    f"a layer links {_shown(name)} to {_shown(target)}, which is no file"
                )
            with self._parent(name) as (parent, last):
                self._clear(parent, _named(last, name))
                os.link(file, last, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)

    def whiteout(self, name: str) -> None:
        """Hides what lower layers have there; what this layer has stays."""
        with self._parent(name, make=False) as (parent, last):
            if last and self._path(name) not in self._fresh:
                self._clear(parent, last)

    def opaque(self, name: str) -> None:
        """Hides everything that lower layers have in the folder `name`."""
        path = self._path(name)
        with self._parent("/".join((*path, "_")), make=False) as (folder, last):
            names = [entry.name for entry in os.scandir(folder)] if last else []
            for entry in names:
                if (*path, entry) not in self._fresh:
                    self._clear(folder, entry)
                elif _is_folder(folder, entry):
                    self.opaque("/".join((*path, entry)))

    def _path(self, name: str) -> tuple[str, ...]:
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        if ".." in parts or "\0" in name:
            raise BadImage(f"a layer has a file named {_shown(name)}")
        if len(parts) > self._limits.depth or len(name) > self._limits.path:
            raise BadImage(f"a layer has a path that is too long: {_shown(name)}")
        return parts

    @contextlib.contextmanager
    def _parent(self, name: str, *, make: bool = True) -> Iterator[tuple[int, str]]:
        """The descriptor of the folder that `name` is in, and its last component.

        That is empty for the root itself and, with make=False, when the folder does not exist.
        """
        parts = self._path(name)
        folder = os.dup(self._root)
        try:
            for part in parts[:-1]:
                entered = _enter(folder, part, make, name)
                if entered is None:
                    yield folder, ""
                    return
                os.close(folder)
                folder = entered
            if make:
                self._fresh.update(parts[:count] for count in range(1, len(parts) + 1))
            with _as_bad_image(name):
                yield folder, parts[-1] if parts else ""
        finally:
            os.close(folder)

    def _clear(self, folder: int, name: str) -> None:
        if _is_folder(folder, name):
            shutil.rmtree(name, dir_fd=folder)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)


@contextlib.contextmanager
def open_root(folder: Path, limits: Limits | None = None) -> Iterator[Root]:
    descriptor = os.open(folder, _FOLDER_FLAGS)
    try:
        yield Root(descriptor, limits or Limits())
    finally:
        os.close(descriptor)


def _enter(folder: int, part: str, make: bool, name: str) -> int | None:
    with _as_bad_image(name):
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o755, dir_fd=folder)
        try:
            return os.open(part, _FOLDER_FLAGS, dir_fd=folder)
        except FileNotFoundError:
            return None


@contextlib.contextmanager
def _as_bad_image(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise BadImage(f"a layer writes {_shown(name)} through a link or a file") from error
        if error.errno in _UNPACKABLE:
            raise BadImage(f"a layer has a file named {_shown(name)}") from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ImageError("there is no space left to unpack the image") from error
        raise


def _fill(handle: int, body: Body) -> None:
    end = 0
    while data := body.read(_CHUNK):
        if data != _ZEROS[: len(data)]:
            _write_at(handle, data, end)
        end += len(data)
    os.ftruncate(handle, end)


def _write_at(handle: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(handle, view, offset)
        view, offset = view[written:], offset + written


def _mode(folder: int, name: str) -> int:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return 0


def _is_folder(folder: int, name: str) -> bool:
    return stat.S_ISDIR(_mode(folder, name))


def _is_file(folder: int, name: str) -> bool:
    return stat.S_ISREG(_mode(folder, name))


def _named(last: str, name: str) -> str:
    if not last:
        raise BadImage(f"a layer has a file named {_shown(name)}")
    return last


def _shown(name: str) -> str:
    text = name.encode(errors="backslashreplace").decode()
    return repr(text if len(text) <= 80 else text[:77] + "...")
