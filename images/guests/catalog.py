"""The guests by name, built when they are not in the cache."""

from __future__ import annotations

import dataclasses
import enum
from pathlib import Path

from images.cache import cache_root, cached

from . import tiny
from .packages import Apt


class GuestName(enum.StrEnum):
    """Which guest."""

    TINY = "tiny"
    CIRROS = "cirros"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Guest:
    """A guest's files; they belong to the cache: read them, never write."""

    name: GuestName
    folder: Path

    @property
    def kernel(self) -> Path:
        """The kernel for direct boot."""
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """The initramfs for direct boot."""
        return self.folder / "initrd"

    @property
    def qcow2(self) -> Path:
        """A bootable disk, compressed."""
        return self.folder / "disk.qcow2"

    @property
    def raw(self) -> Path:
        """The same disk, raw."""
        return self.folder / "disk.raw"


def build(name: GuestName | str, cache: Path | None = None, *, refresh: bool = False) -> Guest:
    """A guest, from the cache or newly made. `refresh` looks for newer Debian packages first.

    Raises PackageError when a package cannot be had.
    """
    which = GuestName(name)
    root = cache or cache_root()
    apt = Apt(root / "apt")
    if refresh:
        apt.refresh()
    apt.ensure_lists()
    recipe = tiny.recipe(which.value, apt)
    return Guest(name=which, folder=cached(root / "guests", which, recipe.key(), recipe.build))
