"""Opening a disk's file for QEMU: one descriptor for reading, one for writing, O_DIRECT or not."""

from __future__ import annotations

import dataclasses
import os

from ..prepared import Layer
from .files import Handle
from .formats import Format
from .holdings import Holdings
from .inspect import is_block


@dataclasses.dataclass(frozen=True, kw_only=True)
class Opening:
    """How the files of one disk are opened; QEMU matches the flags exactly."""

    direct: bool
    readonly: bool

    def flags(self, access: int) -> int:
        return access | (os.O_DIRECT if self.direct else 0)


def takes_direct(handle: Handle) -> bool:
    """Whether O_DIRECT works on the file's storage: tried, because no name tells."""
    try:
        os.close(handle.open_or_fail(os.O_RDONLY | os.O_DIRECT))
    except OSError:
        return False
    return True


def open_layer(
    handle: Handle, name: str, kind: Format, opening: Opening, holdings: Holdings
) -> Layer:
    """The descriptors NAME/ro and, for a writable layer, NAME/rw, held by *holdings*."""
    ro = holdings.hold(f"{name}/ro", handle.open(opening.flags(os.O_RDONLY)))
    rw = ""
    if not opening.readonly:
        rw = holdings.hold(f"{name}/rw", handle.open(opening.flags(os.O_RDWR)))
    return Layer(format=kind, readonly_fd=ro, readwrite_fd=rw, block=is_block(handle))
