"""Disks: how a volume shows up in the guest."""

from pydantic import Field

from ..base import Model, Rule
from ..scalars import UInt64
from .features import FeatureState


class DiskTarget(Model):
    """A disk."""

    bus: str = Field(default="", description="virtio, sata, scsi or usb.")
    readonly: bool = Field(default=False, description="The guest cannot write.")
    pci_address: str = Field(
        default="", description="PCI address of a virtio disk, e.g. 0000:81:01.1."
    )


class LunTarget(Model):
    """A SCSI LUN: the guest's SCSI commands reach the storage."""

    bus: str = Field(default="", description="scsi, virtio or sata.")
    readonly: bool = Field(default=False, description="The guest cannot write.")
    reservation: bool = Field(
        default=False, description="The guest may use SCSI persistent reservations."
    )


class CDRomTarget(Model):
    """A CD-ROM drive."""

    bus: str = Field(default="", description="sata, scsi or usb.")
    readonly: bool | None = Field(default=None, description="True when unset.")
    tray: str = Field(default="", description="open or closed (the default).")


class CustomBlockSize(Model):
    """Block sizes in bytes."""

    logical: UInt64 = Field(default=0, description="Smallest unit that can be addressed.")
    physical: UInt64 = Field(default=0, description="Unit that the storage writes at once.")
    discard_granularity: UInt64 | None = Field(
        default=None, description="Unit in which the guest may discard."
    )


class BlockSize(Model):
    """Block sizes that the guest sees."""

    custom: CustomBlockSize | None = Field(default=None, description="These sizes.")
    match_volume: FeatureState | None = Field(
        default=None, description="The sizes of the storage behind the volume."
    )


class Disk(Model):
    """One disk, LUN or CD-ROM drive; the volume of the same name is its content."""

    cel_rules = (
        Rule(
            rule="[has(self.disk), has(self.lun), has(self.cdrom)].filter(x, x).size() <= 1",
            message="can only have a single target type defined",
        ),
    )

    name: str = Field(description="Name of the volume that is attached.")
    disk: DiskTarget | None = Field(default=None, description="Attach as a disk, the default.")
    lun: LunTarget | None = Field(default=None, description="Attach as a SCSI LUN.")
    cdrom: CDRomTarget | None = Field(default=None, description="Attach as a CD-ROM drive.")
    boot_order: UInt64 | None = Field(
        default=None, description="Place in the boot order, from 1; unique among all devices."
    )
    serial: str = Field(default="", description="Serial number that the guest sees.")
    dedicated_io_thread: bool | None = Field(
        default=None, description="Give this disk an I/O thread of its own."
    )
    cache: str = Field(
        default="",
        description="none, writethrough or writeback; none when unset and the storage allows it.",
    )
    io: str = Field(default="", description="native or threads; chosen by the storage when unset.")
    tag: str = Field(default="", description="Tag of the device in the config drive's metadata.")
    block_size: BlockSize | None = Field(
        default=None, description="Block sizes that the guest sees."
    )
    shareable: bool | None = Field(
        default=None, description="Other VMs may write to the same volume at the same time."
    )
    error_policy: str | None = Field(
        default=None, description="On an I/O error: stop (the default), report, ignore or enospace."
    )
    changed_block_tracking: bool | None = Field(
        default=None, description="Record which blocks change, for incremental backups."
    )
