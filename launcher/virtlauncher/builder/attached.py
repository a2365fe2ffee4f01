"""The VMI's disks as they are attached: kind, bus, name in the guest, content."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from virtcrds.view import CDRomTarget, Disk, DiskTarget, LunTarget

from ..errors import Refused
from ..value import Value
from .given import Given
from .naming import device_id
from .prepared import PreparedDisk


class Bus(StrEnum):
    VIRTIO = "virtio"
    SATA = "sata"
    SCSI = "scsi"
    USB = "usb"

    @property
    def letters(self) -> str:
        """How the guest's names of its disks begin, as KubeVirt counts them."""
        return "vd" if self is Bus.VIRTIO else "sd"


class Kind(StrEnum):
    DISK = "disk"
    LUN = "lun"
    CDROM = "cdrom"


class Attached(Value):
    """One entry of spec.domain.devices.disks, with all that is known about it."""

    disk: Disk
    field: str
    kind: Kind
    bus: Bus
    target: str
    """vda, sda, ...: one sequence of letters for virtio, one for all other buses."""
    content: PreparedDisk | None
    """None: a CD-ROM drive without a disc, or with its tray open."""

    @property
    def id(self) -> str:
        return device_id("disk", self.disk.name)

    @property
    def readonly(self) -> bool:
        wanted = self.disk.disk or self.disk.lun
        return (
            self.kind is Kind.CDROM
            or (wanted is not None and wanted.readonly)
            or (self.content is not None and self.content.readonly)
        )


def attached_disks(given: Given) -> list[Attached]:
    """The VMI's disks in order. Raises Refused for a disk without content."""
    counts: Counter[str] = Counter()
    disks = []
    for index, disk in enumerate(given.devices.disks):
        field = f"spec.domain.devices.disks[{index}]"
        kind, target = _target(disk)
        bus = _bus(target.bus, field)
        letters = bus.letters
        disks.append(
            Attached(
                disk=disk,
                field=field,
                kind=kind,
                bus=bus,
                target=letters + _letters(counts[letters]),
                content=_content(given, disk, kind, field),
            )
        )
        counts[letters] += 1
    return disks


def _target(disk: Disk) -> tuple[Kind, DiskTarget | LunTarget | CDRomTarget]:
    if disk.cdrom is not None:
        return Kind.CDROM, disk.cdrom
    if disk.lun is not None:
        return Kind.LUN, disk.lun
    return Kind.DISK, disk.disk or DiskTarget()


def _bus(text: str, field: str) -> Bus:
    try:
        return Bus(text or Bus.SATA)
    except ValueError as error:
        raise Refused(f"there is no disk bus '{text}'", field=field) from error


def _content(given: Given, disk: Disk, kind: Kind, field: str) -> PreparedDisk | None:
    content = given.prepared.disks.get(disk.name)
    if kind is Kind.CDROM:
        return None if disk.cdrom is not None and disk.cdrom.tray == "open" else content
    if content is None:
        raise Refused(f"the disk '{disk.name}' has no volume", field=f"{field}.name")
    return content


def _letters(index: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    more, last = divmod(index, 26)
    return (_letters(more - 1) if more else "") + chr(ord("a") + last)
