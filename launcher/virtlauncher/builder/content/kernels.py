"""kernelBoot: kernel and initrd out of a container image."""

from __future__ import annotations

import os

from ...facts import SourceKind
from ..prepared import PreparedBoot
from .files import Handle, Kind, found, found_beneath
from .job import Job
from .place import Place

SOURCE = "kernelBoot"
"""Key of the image's root in `Facts.volumes`."""


def kernel_boot(job: Job) -> PreparedBoot | None:
    """Regular files below the image's root, opened read-only; None without kernelBoot."""
    firmware = job.vmi.spec.domain.firmware
    container = firmware.kernel_boot.container if firmware and firmware.kernel_boot else None
    if container is None:
        return None
    place = Place(field="spec.domain.firmware.kernelBoot.container", subject="kernelBoot")
    source = job.source(SOURCE, place)
    if source.kind is not SourceKind.DIR:
        raise place.bad("the image's root must be a folder")
    root = job.handles.enter_context(found(source.path, place, follow=True))
    root.require(Kind.FOLDER)
    return PreparedBoot(
        kernel_fd=_file(job, root, "kernel", container.kernel_path),
        initrd_fd=_file(job, root, "initrd", container.initrd_path),
    )


def _file(job: Job, root: Handle, role: str, path: str) -> str:
    if not path:
        return ""
    handle = job.handles.enter_context(found_beneath(root, path))
    handle.require(Kind.FILE)
    if handle.status.st_size == 0:
        raise root.place.bad(f"{handle.name} is empty")
    return job.holdings.hold(f"boot/{role}", handle.open(os.O_RDONLY))
