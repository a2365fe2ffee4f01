"""Disks made of files: images with an overlay, claims, scratch disks."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...facts import Source, SourceKind
from ..prepared import Layer, PreparedDisk
from . import blank, inspect, layers
from .files import Handle, Kind, entries, found, found_beneath, is_missing
from .formats import Format
from .holdings import Holdings
from .inspect import Inspected
from .layers import Opening
from .place import Place

_MIB = 1 << 20
_DISK_IMG = "disk.img"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the manifest says of one disk."""

    volume: str
    place: Place
    cache: str = ""
    io: str = ""
    readonly: bool = False

    def aio(self, direct: bool, native: bool) -> str:
        if self.io == "native" or (not self.io and direct and native):
            return "native"
        return "threads"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Workshop:
    """Where things are made and held."""

    holdings: Holdings
    disk_dir: Path
    descriptors: Mapping[str, int]


def image_disk(wanted: Wanted, source: Source, path: str, shop: Workshop) -> PreparedDisk:
    """A writable overlay above an image that is only read: containerDisk, registryDisk."""
    with image_file(wanted.place, source, path) as base:
        return _overlaid(wanted, base, shop, trusted_raw=False)


def ephemeral_disk(wanted: Wanted, source: Source, shop: Workshop) -> PreparedDisk:
    """An overlay above a claim: its bytes are raw, whatever they look like."""
    with _claim_file(wanted.place, source) as base:
        return _overlaid(wanted, base, shop, trusted_raw=True)


def claim_disk(wanted: Wanted, source: Source, shop: Workshop) -> PreparedDisk:
    """A claim's disk.img or device: raw, never probed. An empty claim gets a sparse disk.img."""
    if source.kind is SourceKind.DIR and not source.readonly:
        _make_image(wanted.place, source, shop.holdings)
    with _claim_file(wanted.place, source) as handle:
        readonly = wanted.readonly or source.readonly
        direct = _direct(wanted, handle)
        layer = layers.open_layer(
            handle,
            f"{wanted.volume}/0",
            Format.RAW,
            Opening(direct=direct, readonly=readonly),
            shop.holdings,
        )
        seen = inspect.raw(shop.holdings.descriptors[layer.readonly_fd])
        if seen.size == 0:
            raise wanted.place.bad(f"{handle.name} is empty")
        return _disk(wanted, (layer,), seen, direct=direct, readonly=readonly)


def empty_disk(wanted: Wanted, capacity: int, shop: Workshop) -> PreparedDisk:
    size = capacity // _MIB * _MIB
    if size == 0:
        raise wanted.place.bad("capacity is less than 1Mi")
    path = _make_qcow2(wanted, size, shop)
    return _made(wanted, path, (), size, shop)


def _overlaid(wanted: Wanted, base: Handle, shop: Workshop, *, trusted_raw: bool) -> PreparedDisk:
    base.require(Kind.FILE, Kind.BLOCK)
    direct = _direct(wanted, base)
    opening = Opening(direct=direct, readonly=True)
    with _for_looking(base) as fd:
        seen = inspect.raw(fd) if trusted_raw else inspect.inspect(fd, base.name, wanted.place)
    below = layers.open_layer(base, f"{wanted.volume}/1", seen.format, opening, shop.holdings)
    path = _make_qcow2(wanted, seen.size, shop)
    return _made(wanted, path, (below,), seen.size, shop, direct=direct)


def _made(
    wanted: Wanted,
    path: Path,
    below: tuple[Layer, ...],
    size: int,
    shop: Workshop,
    direct: bool = False,
) -> PreparedDisk:
    with found(str(path), wanted.place, follow=False) as handle:
        top = layers.open_layer(
            handle,
            f"{wanted.volume}/0",
            Format.QCOW2,
            Opening(direct=direct, readonly=False),
            shop.holdings,
        )
    seen = Inspected(format=Format.QCOW2, size=size)
    disk = _disk(wanted, (top, *below), seen, direct=direct, readonly=wanted.readonly)
    return dataclasses.replace(disk, made=(str(path),))


def _disk(
    wanted: Wanted, chain: tuple[Layer, ...], seen: Inspected, *, direct: bool, readonly: bool
) -> PreparedDisk:
    return PreparedDisk(
        volume=wanted.volume,
        layers=chain,
        size=seen.size,
        direct=direct,
        aio=wanted.aio(direct, chain[0].block or seen.preallocated),
        readonly=readonly,
        iso=seen.iso,
        preallocated=seen.preallocated,
    )


def _direct(wanted: Wanted, handle: Handle) -> bool:
    if wanted.cache in ("writethrough", "writeback"):
        return False
    if layers.takes_direct(handle):
        return True
    if wanted.cache == "none":
        raise wanted.place.bad(
            f"Unable to use 'none' cache mode, file system where {handle.name} is stored does not"
            " support direct I/O"
        )
    return False


@contextlib.contextmanager
def _for_looking(handle: Handle) -> Iterator[int]:
    fd = handle.open(os.O_RDONLY)
    try:
        yield fd
    finally:
        os.close(fd)


def _make_qcow2(wanted: Wanted, size: int, shop: Workshop) -> Path:
    path = shop.disk_dir / f"{wanted.volume}.qcow2"
    image = blank.blank_image(size)
    path.unlink(missing_ok=True)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        shop.holdings.made(path)
        try:
            os.ftruncate(fd, image.length)
            for piece in image.pieces:
                os.pwrite(fd, piece.data, piece.offset)
        finally:
            os.close(fd)
    except OSError as error:
        raise wanted.place.failed(f"{path} cannot be made", error) from error
    return path


def _make_image(place: Place, source: Source, holdings: Holdings) -> None:
    with found(source.path, place, follow=True) as root:
        root.require(Kind.FOLDER)
        if not is_missing(root, _DISK_IMG):
            return
        if not source.size:
            raise place.bad(f"there is no {_DISK_IMG} in the claim, and its size is not known")
        folder = root.open(os.O_RDONLY | os.O_DIRECTORY)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        fd = os.open(_DISK_IMG, flags, 0o660, dir_fd=folder)
        holdings.made(Path(source.path) / _DISK_IMG)
        try:
            os.ftruncate(fd, source.size)
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise place.failed(f"{_DISK_IMG} cannot be made in the claim", error) from error
    finally:
        os.close(folder)


@contextlib.contextmanager
def _claim_file(place: Place, source: Source) -> Iterator[Handle]:
    with found(source.path, place, follow=True) as root:
        if source.kind is SourceKind.FILE:
            root.require(Kind.FILE, Kind.BLOCK)
            yield root
            return
        with found_beneath(root, _DISK_IMG) as handle:
            handle.require(Kind.FILE)
            yield handle


@contextlib.contextmanager
def image_file(place: Place, source: Source, path: str) -> Iterator[Handle]:
    """The image: at `path` below the root, or the only file in disk/."""
    with found(source.path, place, follow=True) as root:
        if source.kind is SourceKind.FILE:
            root.require(Kind.FILE)
            yield root
            return
        with found_beneath(root, path or _only_file(root, place)) as handle:
            handle.require(Kind.FILE)
            yield handle


def _only_file(root: Handle, place: Place) -> str:
    if is_missing(root, "disk"):
        raise place.bad("the image has no folder /disk", hint="Name the file in 'path'.")
    with found_beneath(root, "disk") as folder:
        folder.require(Kind.FOLDER)
        names = entries(folder)
    if len(names) != 1:
        said = ", ".join(names[:5]) or "nothing"
        raise place.bad(
            f"the image must have one file in /disk, found {said}",
            hint="Name the file in 'path'.",
        )
    return f"disk/{names[0]}"
