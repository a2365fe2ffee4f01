"""State of a running virtual machine's volumes, and of what is backed up of them."""

from pydantic import Field

from ..base import Model
from ..scalars import ATOMIC, Int64, Items, ResourceList, Timestamp, UInt32


class PersistentVolumeClaimInfo(Model):
    """What is known of a claim."""

    claim_name: str = Field(default="", description="Name of the claim.")
    access_modes: Items[str] = Field(
        default=(), description="Access modes of the claim.", json_schema_extra=ATOMIC
    )
    volume_mode: str | None = Field(default=None, description="Filesystem or Block.")
    capacity: ResourceList = Field(default_factory=dict, description="Size that it has.")
    requests: ResourceList = Field(default_factory=dict, description="Size that was asked for.")
    preallocated: bool = Field(default=False, description="Whether its space is allocated already.")
    filesystem_overhead: str | None = Field(
        default=None, description="Part of the size that the file system itself needs, 0 to 1."
    )


class HotplugVolumeStatus(Model):
    """The pod that attaches a plugged volume to the node."""

    attach_pod_name: str = Field(default="", description="Name of that pod.")
    attach_pod_uid: str = Field(default="", description="UID of that pod.")


class MemoryDumpInfo(Model):
    """A memory dump."""

    start_timestamp: Timestamp | None = Field(default=None, description="When it began.")
    end_timestamp: Timestamp | None = Field(default=None, description="When it ended.")
    claim_name: str = Field(default="", description="Claim that it is in.")
    target_file_name: str = Field(default="", description="File that it is in.")


class Checksum(Model):
    """A file by its checksum."""

    checksum: UInt32 = Field(default=0, description="Checksum of the file.")


class VolumeStatus(Model):
    """State of one volume."""

    name: str = Field(description="Name of the volume.")
    target: str = Field(description="Device in the guest, e.g. vda.")
    phase: str = Field(
        default="",
        description="Pending, Bound, AttachedToNode, MountedToPod, Ready, Detaching,"
        " UnMountedFromPod, or a phase of a memory dump.",
    )
    reason: str = Field(default="", description="One CamelCase word for programs.")
    message: str = Field(default="", description="A sentence for people.")
    persistent_volume_claim_info: PersistentVolumeClaimInfo | None = Field(
        default=None, description="The claim behind the volume."
    )
    hotplug_volume: HotplugVolumeStatus | None = Field(
        default=None, description="How a plugged volume is attached."
    )
    size: Int64 = Field(default=0, description="Size in bytes.")
    memory_dump_volume: MemoryDumpInfo | None = Field(
        default=None, description="The dump in a volume for memory dumps."
    )
    container_disk_volume: Checksum | None = Field(
        default=None, description="The disk of a containerDisk."
    )


class KernelBootStatus(Model):
    """Kernel and initrd that were started directly."""

    kernel_info: Checksum | None = Field(default=None, description="The kernel.")
    initrd_info: Checksum | None = Field(default=None, description="The initrd.")


class StorageMigratedVolumeInfo(Model):
    """A volume that moves to another claim."""

    volume_name: str = Field(description="Name of the volume.")
    source_pvc_info: PersistentVolumeClaimInfo | None = Field(
        default=None, description="Claim that it leaves."
    )
    destination_pvc_info: PersistentVolumeClaimInfo | None = Field(
        default=None, description="Claim that it goes to."
    )


class BackupVolumeInfo(Model):
    """A volume in a backup."""

    volume_name: str = Field(description="Name of the volume.")
    disk_target: str = Field(default="", description="Device in the guest, e.g. vda.")


class BackupStatus(Model):
    """The running or last backup."""

    backup_name: str = Field(default="", description="Name of the backup.")
    start_timestamp: Timestamp | None = Field(default=None, description="When it began.")
    end_timestamp: Timestamp | None = Field(default=None, description="When it ended.")
    completed: bool = Field(default=False, description="It is over.")
    failed: bool = Field(default=False, description="It failed.")
    backup_msg: str | None = Field(default=None, description="What there is to say about it.")
    checkpoint_name: str | None = Field(
        default=None, description="Checkpoint that the backup made."
    )
    volumes: Items[BackupVolumeInfo] = Field(
        default=(), description="Volumes in the backup.", json_schema_extra=ATOMIC
    )
    quiesce_status: str = Field(
        default="", description="Whether the guest's file systems stood still for it."
    )


class ChangedBlockTrackingStatus(Model):
    """Whether changed blocks are recorded."""

    state: str = Field(
        default="",
        description="PendingRestart, Initializing, Enabled, Disabled or"
        " IncrementalBackupFeatureGateDisabled.",
    )
    backup_status: BackupStatus | None = Field(
        default=None, description="The running or last backup."
    )
