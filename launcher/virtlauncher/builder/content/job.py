"""One `prepare` under way: what it was given, what it has, and one disk's part of it.

Every kind of volume is a function that *looks*: it finds, inspects and refuses, and returns what is
left to *make*. All volumes are looked at before anything is made.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping

from virtcrds.view import Disk, VirtualMachineInstance, Volume

from ...errors import Refused
from ...facts import Facts, Source
from ...value import Value
from ..prepared import PreparedDisk
from .holdings import Holdings
from .limits import Limits
from .place import Place

Make = Callable[[], PreparedDisk]


class Job(Value):
    vmi: VirtualMachineInstance
    facts: Facts
    given: Mapping[str, int]
    """Descriptors that came with the request."""
    limits: Limits
    holdings: Holdings
    handles: contextlib.ExitStack
    """Closes, at the end, what was only needed to look."""
    checks: list[Callable[[], None]] = dataclasses.field(default_factory=list)
    """Looks that were begun and take a while: all are finished before anything is made."""
    warnings: list[str] = dataclasses.field(default_factory=list)

    def source(self, key: str, place: Place) -> Source:
        """Where *key* has its bytes. Refused when whoever starts the VM has not said it."""
        source = self.facts.volumes.get(key)
        if source is None:
            raise Refused(
                f"{place.subject}: nothing says where its content is",
                field=place.field,
                hint=f"Facts.volumes has no '{key}'",
            )
        return source


class Part(Value):
    """One disk of the VMI and its volume."""

    volume: Volume
    disk: Disk
    place: Place

    @property
    def readonly(self) -> bool:
        """The guest cannot write: CD-ROM drives never can."""
        if self.disk.cdrom is not None:
            return True
        target = self.disk.disk or self.disk.lun
        return target is not None and target.readonly

    def layer_name(self, index: int) -> str:
        return f"disk/{self.volume.name}/{index}"
