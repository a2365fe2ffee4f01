"""containerDisk (registryDisk): a disk out of a container image, under an overlay."""

from __future__ import annotations

from collections.abc import Sequence

from ...facts import Source, SourceKind
from ..prepared import PreparedDisk
from .aio import choose_aio, choose_direct
from .files import Handle, Kind, entries, found, found_beneath, is_missing
from .images import Image, inspect
from .job import Job, Make, Part
from .overlays import overlay
from .place import Place, shown
from .stores import FoundStore, GivenStore, LayerWish, Store

FOLDER = "disk"
"""Where an image has its one disk, unless the VMI names a path."""


def container_disk(job: Job, part: Part) -> Make:
    """The image's file is inspected, never written; a guest that cannot write needs no overlay."""
    source = job.source(part.volume.name, part.place)
    store = _find(job, part, source)
    image = inspect(job, store)
    if part.readonly:
        return lambda: _read_only(job, part, store, image)
    return overlay(job, part, store, image)


def _find(job: Job, part: Part, source: Source) -> Store:
    disk = part.volume.container_disk
    assert disk is not None
    match source.kind:
        case SourceKind.FD:
            return GivenStore.of(source.fds, job.given, part.place, Kind.FILE)
        case SourceKind.FILE:
            handle = job.handles.enter_context(found(source.path, part.place, follow=False))
        case SourceKind.DIR:
            root = job.handles.enter_context(found(source.path, part.place, follow=True))
            root.require(Kind.FOLDER)
            path = disk.path or _only_file(job, root, part.place)
            handle = job.handles.enter_context(found_beneath(root, path))
    return FoundStore.of(handle)


def _only_file(job: Job, root: Handle, place: Place) -> str:
    if is_missing(root, FOLDER):
        raise place.bad(
            f"the image has no folder /{FOLDER}",
            hint=f"Put the disk into /{FOLDER}/, or name its path in containerDisk.path.",
        )
    folder = job.handles.enter_context(found_beneath(root, FOLDER))
    folder.require(Kind.FOLDER)
    files = entries(folder)
    if len(files) != 1:
        raise place.bad(
            f"/{FOLDER} of the image must hold exactly one file, {_what_it_holds(files)}",
            hint="Name the one to boot in containerDisk.path.",
        )
    return f"{FOLDER}/{files[0]}"


def _what_it_holds(files: Sequence[str]) -> str:
    if not files:
        return "it is empty"
    some = ", ".join(shown(name) for name in files[:5])
    return f"it holds {len(files)}: {some}{', …' if len(files) > 5 else ''}"


def _read_only(job: Job, part: Part, store: Store, image: Image) -> PreparedDisk:
    direct = choose_direct(part.disk, [store], part.place)
    wish = LayerWish(name=part.layer_name(0), format=image.format, readonly=True, direct=direct)
    return PreparedDisk(
        volume=part.volume.name,
        layers=(store.layer(wish, job.holdings),),
        size=image.size,
        direct=direct,
        aio=choose_aio(part.disk, store, job.facts.qemu.aio, part.place, direct=direct),
        readonly=True,
        iso=image.iso,
    )
