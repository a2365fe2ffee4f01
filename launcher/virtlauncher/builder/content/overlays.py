"""Disks made here: an empty one, and an empty one above a base that is only read."""

from __future__ import annotations

from pathlib import Path

from ..prepared import PreparedDisk
from .aio import choose_aio, choose_direct
from .formats import Format
from .images import Image
from .job import Job, Make, Part
from .limits import MIB
from .making import as_handle, new_file, write_blank
from .stores import FoundStore, LayerWish, Store


def empty_disk(job: Job, part: Part) -> Make:
    """A fresh qcow2 disk of the wished capacity, aligned down to 1 MiB as in KubeVirt."""
    source = part.volume.empty_disk
    assert source is not None
    size = source.capacity.value // MIB * MIB
    if size <= 0:
        raise part.place.bad(f"capacity {source.capacity} is less than 1Mi")
    return lambda: _made(job, part, size, None)


def overlay(job: Job, part: Part, base: Store, image: Image) -> Make:
    """Writes go to a qcow2 file that is gone with the VM; what is not written yet is the base's."""
    return lambda: _made(job, part, image.size, (base, image.format))


def _made(job: Job, part: Part, size: int, base: tuple[Store, Format] | None) -> PreparedDisk:
    path = Path(job.facts.disk_dir) / f"{part.volume.name}.qcow2"
    with new_file(path, part.place, job.holdings) as (fd, made):
        write_blank(fd, size, part.place)
        top = FoundStore.of(as_handle(fd, made, part.place))
        below = [base[0]] if base is not None else []
        direct = choose_direct(part.disk, [top, *below], part.place)
        wish = LayerWish(
            name=part.layer_name(0),
            format=Format.QCOW2,
            readonly=part.readonly,
            direct=direct,
        )
        layers = [top.layer(wish, job.holdings)]
        if base is not None:
            wish = LayerWish(name=part.layer_name(1), format=base[1], readonly=True, direct=direct)
            layers.append(base[0].layer(wish, job.holdings))
        return PreparedDisk(
            volume=part.volume.name,
            layers=tuple(layers),
            size=size,
            direct=direct,
            aio=choose_aio(part.disk, top, job.facts.qemu.aio, part.place, direct=direct),
            readonly=part.readonly,
            made=(made,),
        )
