"""Small ISO 9660 images out of files in memory, as cloud-init and Windows look for them.

Guests read the names from Rock Ridge (Linux) or Joliet (Windows). The plain ISO names below them
are numbers: nothing that a user calls a file decides a path in the image.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

import pycdlib

from .place import Place

LABEL_LIMIT = 32
"""Bytes of a volume's label."""
_JOLIET_LABEL_LIMIT = 16
_JOLIET_LIMIT = 64
_JOLIET_FORBIDDEN = str.maketrans('*/:;?\\<>|"', "_" * 10)
_NAME_LIMIT = 255


def render_iso(label: str, files: Mapping[str, bytes], place: Place) -> bytes:
    """An image with *files* by relative path. BadVolume for a label or name it cannot carry."""
    if not label.isascii() or not label.isprintable() or len(label) > LABEL_LIMIT:
        raise place.bad(f"volumeLabel must be at most {LABEL_LIMIT} ASCII characters")
    image = pycdlib.PyCdlib()
    image.new(
        interchange_level=4,
        vol_ident=label[:_JOLIET_LABEL_LIMIT],
        joliet=3,
        rock_ridge="1.09",
    )
    for descriptor in filter(None, (image.pvd, image.enhanced_vd)):
        descriptor.volume_identifier = label.encode().ljust(LABEL_LIMIT)
    _Writer(image, place).write(files)
    output = io.BytesIO()
    image.write_fp(output)
    image.close()
    return output.getvalue()


class _Writer:
    """Adds files, and the folders above each, under three names at once."""

    def __init__(self, image: pycdlib.PyCdlib, place: Place) -> None:
        self._image = image
        self._place = place
        self._places: dict[str, tuple[str, str]] = {"": ("", "")}
        """Folder as the user names it -> its ISO and Joliet paths."""
        self._joliet: set[str] = set()

    def write(self, files: Mapping[str, bytes]) -> None:
        for path, data in files.items():
            folder, _, name = path.rpartition("/")
            plain, joliet = self._new(self._folder(folder), name, len(self._joliet))
            self._image.add_fp(io.BytesIO(data), len(data), plain, rr_name=name, joliet_path=joliet)

    def _folder(self, path: str) -> tuple[str, str]:
        if path not in self._places:
            parent, _, name = path.rpartition("/")
            plain, joliet = self._new(self._folder(parent), name, len(self._joliet))
            self._image.add_directory(plain, rr_name=name, joliet_path=joliet)
            self._places[path] = plain, joliet
        return self._places[path]

    def _new(self, parent: tuple[str, str], name: str, number: int) -> tuple[str, str]:
        if not _is_name(name):
            raise self._place.bad("it has a file name that a disk cannot carry")
        joliet = next(
            path
            for candidate in _joliet_names(name)
            if (path := f"{parent[1]}/{candidate}").lower() not in self._joliet
        )
        self._joliet.add(joliet.lower())
        return f"{parent[0]}/{number:08}", joliet


def _is_name(name: str) -> bool:
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        return False  # a file system's bytes that are no text
    return name not in ("", ".", "..") and "\0" not in name and length <= _NAME_LIMIT


def _joliet_names(name: str) -> Iterator[str]:
    """The name as far as Joliet can say it, then with a number, as often as it takes."""
    safe = name.translate(_JOLIET_FORBIDDEN)
    yield _cut(safe, _JOLIET_LIMIT)
    for number in range(1, 10_000):
        end = f"~{number}"
        yield _cut(safe, _JOLIET_LIMIT - len(end)) + end


def _cut(text: str, limit: int) -> str:
    """At most *limit* bytes of UTF-8: pycdlib counts bytes where Joliet counts characters."""
    return text.encode()[:limit].decode(errors="ignore")
