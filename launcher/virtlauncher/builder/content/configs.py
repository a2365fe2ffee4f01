"""configMap, secret, sysprep, serviceAccount and downwardAPI: a folder's files as a small disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ...facts import SourceKind
from ..prepared import PreparedDisk
from .aio import choose_aio, choose_direct
from .formats import Format
from .images import whole_sectors
from .iso import render_iso
from .job import Job, Make, Part
from .making import as_handle, nameless_file, write_all
from .projected import read_projected
from .stores import FoundStore, LayerWish

LABEL, SYSPREP_LABEL = "cfgdata", "unattendCD"
"""KubeVirt's labels, for a volume that names none."""
_ANSWER_FILES = ("autounattend.xml", "unattend.xml")


def config_disk(job: Job, part: Part) -> Make:
    """The files of a configMap, secret, service account or downward API volume."""
    volume = part.volume
    source = volume.config_map or volume.secret or volume.downward_api
    label = source.volume_label if source is not None else ""
    return iso_disk(job, part, label or LABEL, _files(job, part))


def sysprep_disk(job: Job, part: Part) -> Make:
    """Answer files for Windows Setup: one of the two names it looks for must be there."""
    files = _files(job, part)
    if not any(name.lower() in _ANSWER_FILES for name in files):
        raise part.place.bad(f"it has neither {' nor '.join(_ANSWER_FILES)}")
    return iso_disk(job, part, SYSPREP_LABEL, files)


def iso_disk(job: Job, part: Part, label: str, files: Mapping[str, bytes]) -> Make:
    """A disk with these files, in a file of `run_dir` that no path leads to."""
    data = render_iso(label, files, part.place)
    return lambda: _written(job, part, data)


def _files(job: Job, part: Part) -> dict[str, bytes]:
    source = job.source(part.volume.name, part.place)
    if source.kind is not SourceKind.DIR:
        raise part.place.bad("its content is no folder")
    return read_projected(source.path, part.place, job.limits)


def _written(job: Job, part: Part, data: bytes) -> PreparedDisk:
    with nameless_file(Path(job.facts.run_dir), part.place) as fd:
        write_all(fd, data)
        store = FoundStore.of(as_handle(fd, f"the disk of {part.place.subject}", part.place))
        # A small file in memory: nothing is gained by going past a page cache.
        direct = bool(part.disk.cache) and choose_direct(part.disk, [store], part.place)
        wish = LayerWish(
            name=part.layer_name(0), format=Format.RAW, readonly=part.readonly, direct=direct
        )
        return PreparedDisk(
            volume=part.volume.name,
            layers=(store.layer(wish, job.holdings),),
            size=whole_sectors(os.fstat(fd).st_size),
            direct=direct,
            aio=choose_aio(part.disk, store, job.facts.qemu.aio, part.place, direct=direct),
            readonly=part.readonly,
            iso=True,
        )
