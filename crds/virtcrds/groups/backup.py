"""Backups of virtual machines, and trackers of what changed since the last one."""

from pydantic import Field

from ..base import Model, Rule
from ..duration import Duration
from ..kind import Kind
from ..kubernetes.meta import TypedLocalObjectReference
from ..scalars import ATOMIC, Choice, Int64, Items, Timestamp

_IMMUTABLE = Rule(rule="self == oldSelf", message="spec is immutable after creation")


class BackupMode(Choice):
    PUSH = "Push"
    PULL = "Pull"


class BackupType(Choice):
    FULL = "Full"
    INCREMENTAL = "Incremental"


class BackupCondition(Model):
    """One aspect of a backup's state."""

    type: str = Field(description="Name of the aspect, e.g. Complete.")
    status: str = Field(description="True, False or Unknown.")
    observed_generation: Int64 = Field(default=0, description="Generation that it is about.")
    last_transition_time: Timestamp = Field(description="When the status last changed.")
    reason: str = Field(description="One CamelCase word for programs.")
    message: str = Field(description="A sentence for people.")


class BackupSpec(Model):
    """What to back up, and how."""

    cel_rules = (_IMMUTABLE,)

    source: TypedLocalObjectReference = Field(
        description="A VirtualMachine, or a VirtualMachineBackupTracker for what changed only."
    )
    mode: BackupMode | None = Field(
        default=None,
        description="Push (the default: write to a claim) or Pull (offer for reading).",
    )
    pvc_name: str | None = Field(
        default=None, description="Claim for the backup, or for scratch space."
    )
    skip_quiesce: bool = Field(
        default=False, description="Do not ask the guest's file systems to stand still."
    )
    force_full_backup: bool = Field(
        default=False, description="Back up everything, whatever a tracker knows."
    )
    token_secret_ref: str = Field(
        default="", description="Secret with the token that readers must show; Pull only."
    )
    ttl_duration: Duration | None = Field(
        default=None, description="Time after which a Pull backup ends."
    )


class IncludedVolume(Model):
    """A volume in the backup."""

    volume_name: str = Field(description="Name of the volume.")
    data_endpoint: str = Field(default="", description="URL of the bytes; Pull only.")
    map_endpoint: str = Field(default="", description="URL of the map of bytes; Pull only.")
    type: BackupType | None = Field(default=None, description="Full or Incremental.")


class BackupStatus(Model):
    """How far the backup is."""

    type: str = Field(default="", description="Full or Incremental.")
    start_timestamp: Timestamp | None = Field(default=None, description="When it began.")
    conditions: Items[BackupCondition] = Field(
        default=(),
        description="Complete, Failed, Progressing and Quiesced.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    )
    checkpoint_name: str | None = Field(
        default=None, description="Checkpoint that the backup made."
    )
    endpoint_cert: str | None = Field(
        default=None, description="CA certificate of the endpoints; Pull only."
    )
    included_volumes: Items[IncludedVolume] = Field(
        default=(), description="Volumes in the backup.", json_schema_extra=ATOMIC
    )
    export_uid: str | None = Field(
        default=None, description="UID of the export that offers it; Pull only."
    )


class VirtualMachineBackup(Kind):
    """A virtual machine's disks are to be backed up, whole or what changed."""

    group_version = "backup.kubevirt.io/v1alpha1"

    spec: BackupSpec = Field(description="What to back up, and how.")
    status: BackupStatus | None = Field(default=None, description="How far it is.")


class TrackerSpec(Model):
    """Whose changes are tracked."""

    cel_rules = (_IMMUTABLE,)

    source: TypedLocalObjectReference = Field(description="The VirtualMachine.")


class BackupCheckpoint(Model):
    """A point in time from which changes are known."""

    name: str = Field(default="", description="Name of the checkpoint.")
    creation_time: Timestamp | None = Field(default=None, description="When it was made.")


class TrackerStatus(Model):
    """From when on changes are known."""

    latest_checkpoint: BackupCheckpoint | None = Field(
        default=None, description="Checkpoint of the last backup."
    )
    checkpoint_redefinition_required: bool | None = Field(
        default=None, description="The VM was restarted; the checkpoint must be made known to it."
    )


class VirtualMachineBackupTracker(Kind):
    """Remembers a virtual machine's last backup, so that the next takes only what changed."""

    group_version = "backup.kubevirt.io/v1alpha1"

    spec: TrackerSpec = Field(description="Whose changes are tracked.")
    status: TrackerStatus | None = Field(
        default=None, description="From when on changes are known."
    )
