"""The guests by name, built when they are not in the cache."""

from __future__ import annotations

import dataclasses
import enum
from pathlib import Path
from typing import assert_never

from images.cache import cache_root, cached

from . import debian, tiny
from .packages import Apt


class GuestName(enum.StrEnum):
    """Which guest."""

    TINY = "tiny"
    CIRROS = "cirros"
    DEBIAN = "debian"


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
        """The same disk, raw; the debian guest has none: it would be 2 GiB."""
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
    recipe = _recipe(which, apt)
    return Guest(name=which, folder=cached(root / "guests", which, recipe.key(), recipe.build))


def _recipe(name: GuestName, apt: Apt) -> tiny.Recipe | debian.Recipe:
    match name:
        case GuestName.TINY | GuestName.CIRROS:
            return tiny.recipe(name.value, apt)
        case GuestName.DEBIAN:
            return debian.recipe(apt)
        case _:
            assert_never(name)
