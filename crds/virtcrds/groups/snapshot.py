"""Snapshots of virtual machines, what is in them, and restoring them."""

from typing import Any

from pydantic import Field

from ..base import Model
from ..duration import Duration
from ..kind import Kind
from ..kubernetes.meta import Condition, TypedLocalObjectReference
from ..scalars import ATOMIC, Choice, Items, Timestamp

_SET: dict[str, Any] = {"x-kubernetes-list-type": "set"}


class TargetReadinessPolicy(Choice):
    STOP_TARGET = "StopTarget"
    WAIT_GRACE_PERIOD = "WaitGracePeriod"
    FAIL_IMMEDIATE = "FailImmediate"
    WAIT_EVENTUALLY = "WaitEventually"


class SnapshotSpec(Model):
    """What to take a snapshot of."""

    source: TypedLocalObjectReference = Field(description="The VirtualMachine.")
    deletion_policy: str | None = Field(
        default=None, description="What becomes of the content: Delete (the default) or Retain."
    )
    failure_deadline: Duration | None = Field(
        default=None, description="Time after which the snapshot is given up; 5m."
    )


class SnapshotError(Model):
    """The last thing that went wrong."""

    time: Timestamp | None = Field(default=None, description="When.")
    message: str | None = Field(default=None, description="What.")


class SourceIndication(Model):
    """One circumstance of the snapshot."""

    indication: str = Field(
        description="Online, GuestAgent, NoGuestAgent, Paused, QuiesceTimeout or PartialSnapshot."
    )
    message: str = Field(description="What it means.")


class SnapshotVolumes(Model):
    """Volumes in the snapshot, and those left out."""

    included_volumes: Items[str] = Field(
        default=(), description="Volumes in the snapshot.", json_schema_extra=_SET
    )
    excluded_volumes: Items[str] = Field(
        default=(), description="Volumes that were left out.", json_schema_extra=_SET
    )


class SnapshotStatus(Model):
    """How far the snapshot is."""

    source_uid: str | None = Field(default=None, description="UID of the VM.")
    virtual_machine_snapshot_content_name: str | None = Field(
        default=None, description="The object that holds the content."
    )
    creation_time: Timestamp | None = Field(default=None, description="When it was taken.")
    phase: str = Field(
        default="", description="InProgress, Succeeded, Failed, Deleting or Unknown."
    )
    ready_to_use: bool | None = Field(default=None, description="Whether it can be restored.")
    error: SnapshotError | None = Field(default=None, description="The last thing that went wrong.")
    conditions: Items[Condition] = Field(
        default=(), description="Ready, Progressing and Failure.", json_schema_extra=ATOMIC
    )
    indications: Items[str] = Field(
        default=(), description="Circumstances, without messages.", json_schema_extra=_SET
    )
    source_indications: Items[SourceIndication] = Field(
        default=(), description="Circumstances of the snapshot.", json_schema_extra=ATOMIC
    )
    snapshot_volumes: SnapshotVolumes | None = Field(
        default=None, description="Volumes in the snapshot, and those left out."
    )


class VirtualMachineSnapshot(Kind):
    """A virtual machine as it is at one time: its spec and its disks."""

    group_version = "snapshot.kubevirt.io/v1beta1"

    spec: SnapshotSpec = Field(description="What to take a snapshot of.")
    status: SnapshotStatus | None = Field(default=None, description="How far it is.")


class SnapshotSource(Model):
    """The object that was snapshotted."""

    virtual_machine: dict[str, Any] | None = Field(
        default=None, description="The VirtualMachine as it was."
    )


class VolumeBackup(Model):
    """One volume in the snapshot."""

    volume_name: str = Field(description="Name of the volume.")
    persistent_volume_claim: dict[str, Any] = Field(description="The claim as it was.")
    volume_snapshot_name: str | None = Field(
        default=None, description="VolumeSnapshot with the bytes."
    )


class SnapshotContentSpec(Model):
    """What is in a snapshot."""

    virtual_machine_snapshot_name: str | None = Field(
        default=None, description="The snapshot that it belongs to."
    )
    source: SnapshotSource = Field(description="The object that was snapshotted.")
    volume_backups: Items[VolumeBackup] = Field(
        default=(), description="The volumes.", json_schema_extra=ATOMIC
    )


class ContentVolumeStatus(Model):
    """State of one volume's snapshot."""

    volume_snapshot_name: str = Field(description="Name of the VolumeSnapshot.")
    creation_time: Timestamp | None = Field(default=None, description="When it was taken.")
    ready_to_use: bool | None = Field(default=None, description="Whether it can be restored.")
    error: SnapshotError | None = Field(default=None, description="The last thing that went wrong.")


class SnapshotContentStatus(Model):
    """Whether the content is complete."""

    creation_time: Timestamp | None = Field(default=None, description="When it was taken.")
    ready_to_use: bool | None = Field(default=None, description="Whether it can be restored.")
    error: SnapshotError | None = Field(default=None, description="The last thing that went wrong.")
    volume_snapshot_status: Items[ContentVolumeStatus] = Field(
        default=(), description="State of the volumes' snapshots.", json_schema_extra=ATOMIC
    )


class VirtualMachineSnapshotContent(Kind):
    """What is in a snapshot. Made and deleted by the controller."""

    group_version = "snapshot.kubevirt.io/v1beta1"

    spec: SnapshotContentSpec = Field(description="What is in the snapshot.")
    status: SnapshotContentStatus | None = Field(
        default=None, description="Whether it is complete."
    )


class VolumeRestoreOverride(Model):
    """What is to be different in one restored volume."""

    volume_name: str = Field(default="", description="Name of the volume.")
    restore_name: str = Field(default="", description="Name of the new claim.")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels to add.")
    annotations: dict[str, str] = Field(default_factory=dict, description="Annotations to add.")


class RestoreSpec(Model):
    """What to restore, and where to."""

    target: TypedLocalObjectReference = Field(description="The VirtualMachine to restore to.")
    virtual_machine_snapshot_name: str = Field(description="The snapshot.")
    target_readiness_policy: TargetReadinessPolicy | None = Field(
        default=None,
        description="When the VM runs: StopTarget, WaitGracePeriod (the default), FailImmediate or"
        " WaitEventually.",
    )
    volume_restore_policy: str | None = Field(
        default=None,
        description="Names of claims: RandomizeNames (the default), InPlace or PrefixTargetName.",
    )
    volume_ownership_policy: str | None = Field(
        default=None, description="Who owns the claims: Vm or None."
    )
    volume_restore_overrides: Items[VolumeRestoreOverride] = Field(
        default=(),
        description="What is to be different in restored volumes.",
        json_schema_extra=ATOMIC,
    )
    patches: Items[str] = Field(
        default=(), description="JSON patches for a VM that is made anew.", json_schema_extra=ATOMIC
    )


class VolumeRestore(Model):
    """One restored volume."""

    volume_name: str = Field(description="Name of the volume.")
    persistent_volume_claim: str = Field(description="Name of the new claim.")
    volume_snapshot_name: str = Field(description="VolumeSnapshot with the bytes.")
    data_volume_name: str | None = Field(default=None, description="DataVolume of that claim.")


class RestoreStatus(Model):
    """How far the restore is."""

    restores: Items[VolumeRestore] = Field(
        default=(), description="Restored volumes.", json_schema_extra=ATOMIC
    )
    restore_time: Timestamp | None = Field(default=None, description="When it was done.")
    deleted_data_volumes: Items[str] = Field(
        default=(), description="DataVolumes that were deleted.", json_schema_extra=_SET
    )
    complete: bool | None = Field(default=None, description="Whether it is done.")
    conditions: Items[Condition] = Field(
        default=(), description="Ready, Progressing and Failure.", json_schema_extra=ATOMIC
    )


class VirtualMachineRestore(Kind):
    """A virtual machine is to become what it was when a snapshot was taken."""

    group_version = "snapshot.kubevirt.io/v1beta1"

    spec: RestoreSpec = Field(description="What to restore, and where to.")
    status: RestoreStatus | None = Field(default=None, description="How far it is.")
