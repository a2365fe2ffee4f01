"""Disks that outlive the VM: persistentVolumeClaim, dataVolume, ephemeral and hostDisk.

What is in them is the guest's: always raw, never probed. What they *are* is checked: a regular
file that no other name leads to, or a block device.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from ...errors import BadVolume
from ...facts import Mode, Source, SourceKind
from ..prepared import PreparedDisk
from . import sparse
from .aio import choose_aio, choose_direct
from .files import Handle, Kind, found, found_beneath, is_missing
from .formats import Format
from .images import Image, whole_sectors
from .job import Job, Make, Part
from .locks import find_user, is_in_use
from .overlays import overlay
from .stores import FoundStore, GivenStore, LayerWish, Store

IMAGE = "disk.img"
"""The disk of a claim with a file system, as KubeVirt and CDI name it."""


def claim(job: Job, part: Part) -> Make:
    """persistentVolumeClaim or dataVolume: the disk itself.

    In a claim with a file system it is made where there is none, and grows with the claim.
    """
    source = job.source(part.volume.name, part.place)
    pvc = part.volume.persistent_volume_claim
    readonly = part.readonly or source.readonly or (pvc is not None and pvc.read_only)
    if source.kind is SourceKind.DIR:
        root = job.handles.enter_context(found(source.path, part.place, follow=True))
        root.require(Kind.FOLDER)
        if sparse.is_unmade(root, IMAGE) and not readonly:
            size = _wished_size(source, part)
            return lambda: _created(job, part, root, IMAGE, size)
    store = _existing(job, part, source)
    make = _disk(job, part, store, source, readonly=readonly)
    if isinstance(store, FoundStore) and not readonly and _may_grow(job, part, store, source):
        return lambda: _grown(job, part, store, whole_sectors(source.size or 0))
    return make


def ephemeral(job: Job, part: Part) -> Make:
    """A claim that is only read, under an overlay."""
    source = job.source(part.volume.name, part.place)
    store = _existing(job, part, source)
    image = Image(format=Format.RAW, size=whole_sectors(store.length()))
    _require_unused(job, part, store, source, write=False)
    return overlay(job, part, store, image)


def host_disk(job: Job, part: Part) -> Make:
    """A file of the node. DiskOrCreate uses an existing one only if it was made for a VM here."""
    source = job.source(part.volume.name, part.place)
    disk = part.volume.host_disk
    assert disk is not None
    if source.kind is SourceKind.FD:
        return _disk(job, part, _existing(job, part, source), source, readonly=part.readonly)
    path = PurePosixPath(disk.path if source.kind is SourceKind.DIR else source.path)
    folder = source.path if source.kind is SourceKind.DIR else str(path.parent)
    root = job.handles.enter_context(found(folder, part.place, follow=True))
    root.require(Kind.FOLDER)
    create = disk.type == "DiskOrCreate"
    if create and is_missing(root, path.name):
        size = sparse.tolerated(root, _wished_size(source, part), job.warnings)
        return lambda: _created(job, part, root, path.name, size, mark=True)
    store = _checked(job.handles.enter_context(found_beneath(root, path.name)))
    if create and not sparse.is_marked(store):
        raise part.place.bad(
            f"{store.name} exists and was not made for a VM by type DiskOrCreate",
            hint="type Disk uses an existing file as it is.",
        )
    return _disk(job, part, store, source, readonly=part.readonly or source.readonly)


def _wished_size(source: Source, part: Part) -> int:
    size = source.size
    host = part.volume.host_disk
    if size is None and host is not None and host.capacity is not None:
        size = host.capacity.value
    if not size:
        raise part.place.bad(
            "there is no disk yet, and nothing says how large to make it",
            hint=f"Put a {IMAGE} there, or give the size with the claim.",
        )
    return whole_sectors(size)


def _existing(job: Job, part: Part, source: Source) -> Store:
    """The claim's file or device, which must be there."""
    kinds = (Kind.FILE, Kind.BLOCK)
    match source.kind:
        case SourceKind.FD:
            return GivenStore.of(source.fds, job.given, part.place, *kinds)
        case SourceKind.FILE:
            return _checked(_named(job, part, source.path), *kinds)
        case SourceKind.DIR:
            root = job.handles.enter_context(found(source.path, part.place, follow=True))
            root.require(Kind.FOLDER)
            return _checked(job.handles.enter_context(found_beneath(root, IMAGE)))


def _named(job: Job, part: Part, path: str) -> Handle:
    """A file or device by its own name. Devices have names that are links (/dev/disk/by-id/…)."""
    handle = job.handles.enter_context(found(path, part.place, follow=False))
    if handle.kind is not Kind.LINK:
        return handle
    target = job.handles.enter_context(found(path, part.place, follow=True))
    return target if target.kind is Kind.BLOCK else handle


def _checked(handle: Handle, *kinds: Kind) -> FoundStore:
    store = FoundStore.of(handle, *kinds)
    links = handle.status.st_nlink
    if store.kind is Kind.FILE and links > 1:
        raise handle.place.bad(
            f"{handle.name} is a regular file with {links} hard links: it is another file, too",
            hint=f"Make it one of its own: cp --sparse=always {handle.name} copy, mv copy back.",
        )
    return store


def _created(
    job: Job, part: Part, root: Handle, name: str, size: int, *, mark: bool = False
) -> PreparedDisk:
    sparse.create(root, name, size, job.holdings, mark=mark)
    handle = job.handles.enter_context(found_beneath(root, name))
    store = _checked(handle)
    return _prepared(job, part, store, readonly=False)


def _may_grow(job: Job, part: Part, store: FoundStore, source: Source) -> bool:
    """Offline expansion, as in KubeVirt: a claim is larger than the disk that is alone in it."""
    alone = source.kind is SourceKind.DIR and not part.disk.shareable
    larger = source.size is not None and source.size > store.length()
    return alone and larger and job.facts.mode is Mode.START


def _grown(job: Job, part: Part, store: FoundStore, size: int) -> PreparedDisk:
    job.warnings.append(
        f"{part.place.subject}: its disk grows from {store.length()} to {size} bytes,"
        " the size of its claim"
    )
    handle = sparse.grow(store.handle, size, job.holdings, holes=not store.preallocated)
    return _prepared(job, part, FoundStore.of(handle), readonly=False)


def _disk(job: Job, part: Part, store: Store, source: Source, *, readonly: bool) -> Make:
    if part.disk.lun is not None and not store.block:
        raise part.place.bad(f"{store.name} is {store.kind}; a lun needs a block device")
    store.length()
    _require_unused(job, part, store, source, write=not readonly)
    return lambda: _prepared(job, part, store, readonly=readonly)


def _prepared(job: Job, part: Part, store: Store, *, readonly: bool) -> PreparedDisk:
    direct = choose_direct(part.disk, [store], part.place)
    wish = LayerWish(name=part.layer_name(0), format=Format.RAW, readonly=readonly, direct=direct)
    return PreparedDisk(
        volume=part.volume.name,
        layers=(store.layer(wish, job.holdings),),
        size=whole_sectors(store.length()),
        direct=direct,
        aio=choose_aio(part.disk, store, job.facts.qemu.aio, part.place, direct=direct),
        readonly=readonly,
        preallocated=store.preallocated,
    )


def _require_unused(job: Job, part: Part, store: Store, source: Source, *, write: bool) -> None:
    if job.facts.mode is Mode.INCOMING:
        return  # the source of the migration holds it, and hands over at the end
    with store.reading() as fd:
        if is_in_use(fd, write=write, share=bool(part.disk.shareable)):
            user = source.owner or find_user(fd) or "another process"
            raise _in_use(part, store, user)


def _in_use(part: Part, store: Store, user: str) -> BadVolume:
    return part.place.bad(
        f"{store.name}: image in use by {user}",
        hint="Stop it first; `shareable: true` on the disks of both lets them write together.",
    )
