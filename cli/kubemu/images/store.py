"""Unpacked images in the cache, by the digest of their manifest.

::

    images/by-digest/HEX/root/        read-only files
                        /image.json   Image, without the root
    images/by-name/HASH.json          which digest a name had when it was last asked for
    images/locks/HEX/                 one puller per image
    images/work/RANDOM/               being made; locked by its maker, swept when it is gone

Deleting the folder is always safe.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from virtlauncher.jsonable import from_jsonable, to_jsonable

from ..folders import remove_tree
from ..locks import try_lock

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Image:
    source: str
    """What was pulled: a name, or a path with its transport."""
    digest: str
    """Of the manifest for this machine's architecture."""
    config: str
    """Of the configuration: the image id that container runtimes show."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Known:
    name: str
    digest: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Store:
    folder: Path

    def root(self, digest: str) -> Path:
        return self._home(digest) / "root"

    def find(self, digest: str) -> Image | None:
        """The image of that digest, if it is here whole."""
        return _read(Image, self._home(digest) / "image.json")

    def find_digest(self, name: str) -> str:
        """The digest that `name` last had, or empty."""
        known = _read(_Known, self._name(name))
        return known.digest if known is not None and known.name == name else ""

    def remember(self, name: str, digest: str) -> None:
        _write(self._name(name), _Known(name=name, digest=digest))

    def lock_folder(self, digest: str) -> Path:
        return self.folder / "locks" / _hex(digest)

    @contextlib.contextmanager
    def work(self) -> Iterator[Path]:
        """A private folder for one pull; leftovers of killed pulls go first."""
        parent = self.folder / "work"
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep(parent)
        with contextlib.ExitStack() as stack:
            while True:
                made = Path(tempfile.mkdtemp(dir=parent))
                if stack.enter_context(try_lock(made)):
                    break
            stack.callback(remove_tree, made)
            yield made

    def keep(self, image: Image, root: Path) -> None:
        """Moves an unpacked root into the store, whole or not at all."""
        home = root.parent / "home"
        home.mkdir(mode=0o755)
        root.rename(home / "root")
        _write(home / "image.json", image)
        target = self._home(image.digest)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.find(image.digest) is None:
            remove_tree(target)
            home.rename(target)

    def _sweep(self, parent: Path) -> None:
        for leftover in parent.iterdir():
            with try_lock(leftover) as free:
                if free:
                    remove_tree(leftover)

    def _home(self, digest: str) -> Path:
        return self.folder / "by-digest" / _hex(digest)

    def _name(self, name: str) -> Path:
        return self.folder / "by-name" / f"{hashlib.sha256(name.encode()).hexdigest()}.json"


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _read(kind: type[T], path: Path) -> T | None:
    """A damaged file is as good as none: the image is pulled again."""
    try:
        return from_jsonable(kind, json.loads(path.read_text()))
    except (FileNotFoundError, ValueError):
        return None


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(to_jsonable(value)))
    temporary.replace(path)
