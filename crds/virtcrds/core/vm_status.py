"""State of a VirtualMachine: what was asked of it, and how far that is done."""

from pydantic import Field

from ..base import Model
from ..kubernetes.meta import Condition
from ..scalars import ATOMIC, Int64, Items, Timestamp
from .disks import Disk
from .volume_status import ChangedBlockTrackingStatus, StorageMigratedVolumeInfo
from .volumes import HotplugVolumeSource


class StateChangeRequest(Model):
    """A start or a stop that was asked for."""

    action: str = Field(description="Start or Stop.")
    uid: str | None = Field(default=None, description="UID of the VMI to stop.")
    data: dict[str, str] = Field(
        default_factory=dict, description="Details, e.g. paused: 'true' for a paused start."
    )


class AddVolumeOptions(Model):
    """A volume to plug into a VM that runs."""

    name: str = Field(default="", description="Name for the volume and its disk.")
    disk: Disk | None = Field(default=None, description="How it shows up in the guest.")
    volume_source: HotplugVolumeSource | None = Field(
        default=None, description="Where its bytes come from."
    )
    dry_run: Items[str] = Field(
        default=(), description="All: check only.", json_schema_extra=ATOMIC
    )


class RemoveVolumeOptions(Model):
    """A volume to unplug from a VM that runs."""

    name: str = Field(default="", description="Name of the volume.")
    dry_run: Items[str] = Field(
        default=(), description="All: check only.", json_schema_extra=ATOMIC
    )


class VolumeRequest(Model):
    """A volume that was asked to be plugged or unplugged."""

    add_volume_options: AddVolumeOptions | None = Field(default=None, description="Plug this.")
    remove_volume_options: RemoveVolumeOptions | None = Field(
        default=None, description="Unplug this."
    )


class VolumeSnapshotStatus(Model):
    """Whether a volume can be snapshotted."""

    name: str = Field(description="Name of the volume.")
    enabled: bool = Field(description="Whether it can.")
    reason: str = Field(default="", description="Why it cannot.")


class StartFailure(Model):
    """Starts that failed in a row, and when the next one comes."""

    consecutive_fail_count: Int64 = Field(default=0, description="Failures in a row.")
    last_failed_vmiuid: str = Field(
        default="", alias="lastFailedVMIUID", description="UID of the last VMI that failed."
    )
    retry_after_timestamp: Timestamp | None = Field(
        default=None, description="When the next start comes."
    )


class MemoryDumpRequest(Model):
    """A memory dump that was asked for."""

    claim_name: str = Field(description="Claim to write it to.")
    phase: str = Field(
        default="",
        description="Associating, InProgress, Unmounting, Completed, Dissociating or Failed.",
    )
    remove: bool = Field(default=False, description="The claim is to be let go of.")
    start_timestamp: Timestamp | None = Field(default=None, description="When it began.")
    end_timestamp: Timestamp | None = Field(default=None, description="When it ended.")
    file_name: str | None = Field(default=None, description="File that it is in.")
    message: str = Field(default="", description="Why it failed.")


class VolumeMigrationState(Model):
    """Volumes on their way to other claims."""

    migrated_volumes: Items[StorageMigratedVolumeInfo] = Field(
        default=(), description="The volumes.", json_schema_extra=ATOMIC
    )


class VolumeUpdateState(Model):
    """How far a change of volumes is done."""

    volume_migration_state: VolumeMigrationState | None = Field(
        default=None, description="Volumes on their way to other claims."
    )


class ControllerRevisionRef(Model):
    """A stored copy of an object."""

    name: str = Field(default="", description="Name of the ControllerRevision.")


class InstancetypeStatusRef(Model):
    """The instancetype or preference that the VM uses."""

    name: str = Field(default="", description="Name of the object.")
    kind: str = Field(default="", description="Kind of the object.")
    controller_revision_ref: ControllerRevisionRef | None = Field(
        default=None, description="The object as it was when the VM first used it."
    )
    infer_from_volume: str = Field(default="", description="Volume whose labels name the object.")
    infer_from_volume_failure_policy: str | None = Field(
        default=None, description="What happens when they do not: Reject or Ignore."
    )


class VirtualMachineStatus(Model):
    """State of a virtual machine."""

    snapshot_in_progress: str | None = Field(
        default=None, description="Snapshot that is being taken."
    )
    restore_in_progress: str | None = Field(default=None, description="Restore that is being done.")
    created: bool = Field(default=False, description="Whether its VMI exists.")
    ready: bool = Field(default=False, description="Whether its VMI is ready.")
    printable_status: str = Field(
        default="",
        description="State in one word: Stopped, Starting, Running, Paused, ...",
        json_schema_extra={"default": "Stopped"},
    )
    conditions: Items[Condition] = Field(
        default=(), description="Ready, Failure, RestartRequired, and those of the VMI."
    )
    state_change_requests: Items[StateChangeRequest] = Field(
        default=(), description="Starts and stops that were asked for."
    )
    volume_requests: Items[VolumeRequest] = Field(
        default=(),
        max_length=256,
        description="Volumes that were asked to be plugged or unplugged.",
        json_schema_extra=ATOMIC,
    )
    volume_snapshot_statuses: Items[VolumeSnapshotStatus] = Field(
        default=(), description="Which volumes can be snapshotted."
    )
    start_failure: StartFailure | None = Field(
        default=None, description="Starts that failed in a row."
    )
    memory_dump_request: MemoryDumpRequest | None = Field(
        default=None, description="Memory dump that was asked for."
    )
    observed_generation: Int64 = Field(
        default=0, description="Generation of the spec that the VMI was started with."
    )
    desired_generation: Int64 = Field(
        default=0, description="Generation of the spec that is wished for."
    )
    run_strategy: str = Field(default="", description="Run strategy that was last acted on.")
    volume_update_state: VolumeUpdateState | None = Field(
        default=None, description="How far a change of volumes is done."
    )
    changed_block_tracking: ChangedBlockTrackingStatus | None = Field(
        default=None, description="Whether changed blocks are recorded."
    )
    instancetype_ref: InstancetypeStatusRef | None = Field(
        default=None, description="The instancetype in use."
    )
    preference_ref: InstancetypeStatusRef | None = Field(
        default=None, description="The preference in use."
    )
