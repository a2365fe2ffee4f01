"""The files of a projected volume (configMap, secret, ...), as the kubelet lays them out.

A volume's names are links to `..data/NAME`, and `..data` is a link to the folder of one revision
beside it. That one link is followed, and nothing else: the revision's folder is walked from its
descriptor. A folder without `..data` holds the files itself. Names with a dot first are skipped,
as in KubeVirt.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from .files import Handle, Kind, entries, found, found_beneath, is_missing
from .limits import Limits
from .place import Place, shown

_DATA = "..data"
_DEPTH = 6
"""Folders below each other: a key's `path` may have some."""


def read_projected(path: str, place: Place, limits: Limits) -> dict[str, bytes]:
    """Relative path to content. BadVolume for anything but files and folders, and for too much."""
    files: dict[str, bytes] = {}
    with found(path, place, follow=True) as root:
        root.require(Kind.FOLDER)
        with _revision(root) as folder:
            room = limits.config_bytes
            for name, handle in _walk(folder, "", _DEPTH):
                if len(files) >= limits.config_files:
                    raise place.bad(f"it has more than {limits.config_files} files")
                data = _read(handle, room)
                if len(data) > room:
                    raise place.bad(f"its files have more than {limits.config_bytes} bytes")
                files[name] = data
                room -= len(data)
    return files


@contextlib.contextmanager
def _revision(root: Handle) -> Iterator[Handle]:
    if is_missing(root, _DATA):
        yield root
        return
    target = _link_target(root)
    # The kubelet's links name a folder beside them: `..2026_01_02_03_04_05.678`.
    if not target.startswith("..") or "/" in target or target == "..":
        raise root.place.bad(f"its {_DATA} leads to '{shown(target)}', outside the volume")
    with found_beneath(root, target) as folder:
        folder.require(Kind.FOLDER)
        yield folder


def _link_target(root: Handle) -> str:
    try:
        return os.readlink(_DATA, dir_fd=root.fd)
    except OSError as error:
        raise root.place.bad(f"its {_DATA} is not a symbolic link") from error


def _walk(folder: Handle, prefix: str, depth: int) -> Iterator[tuple[str, Handle]]:
    for name in entries(folder):
        if name.startswith("."):
            continue
        with found_beneath(folder, name) as handle:
            if handle.kind is Kind.FOLDER and depth:
                yield from _walk(handle, f"{prefix}{name}/", depth - 1)
            else:
                handle.require(Kind.FILE)
                yield f"{prefix}{name}", handle


def _read(handle: Handle, room: int) -> bytes:
    with os.fdopen(handle.open(os.O_RDONLY), "rb") as file:
        return file.read(room + 1)
