"""VirtualMachineClone: a new virtual machine like another one."""

from pydantic import Field

from ..base import Model
from ..kind import Kind
from ..kubernetes.meta import Condition, TypedLocalObjectReference
from ..scalars import ATOMIC, Items, Timestamp


class CloneFilters(Model):
    """Which labels and annotations are taken over, e.g. `*` and `!some/key*`."""

    annotation_filters: Items[str] = Field(
        default=(), description="Annotations to take over.", json_schema_extra=ATOMIC
    )
    label_filters: Items[str] = Field(
        default=(), description="Labels to take over.", json_schema_extra=ATOMIC
    )


class CloneSpec(CloneFilters):
    """What to clone, and what is to be different."""

    source: TypedLocalObjectReference = Field(
        description="A VirtualMachine or a VirtualMachineSnapshot."
    )
    target: TypedLocalObjectReference | None = Field(
        default=None, description="The new VirtualMachine; its name is made up when unset."
    )
    template: CloneFilters = Field(
        default_factory=CloneFilters.model_construct,
        description="Labels and annotations of the template to take over.",
    )
    new_mac_addresses: dict[str, str] = Field(
        default_factory=dict, description="New MAC addresses by interface; others are made up."
    )
    new_smbios_serial: str | None = Field(
        default=None, alias="newSMBiosSerial", description="New SMBIOS serial; made up when unset."
    )
    patches: Items[str] = Field(
        default=(), description="JSON patches for the new VM.", json_schema_extra=ATOMIC
    )
    volume_name_policy: str | None = Field(
        default=None, description="Names of new volumes: RandomizeNames."
    )


class CloneStatus(Model):
    """How far the clone is."""

    creation_time: Timestamp | None = Field(default=None, description="When it was done.")
    phase: str = Field(
        default="",
        description="SnapshotInProgress, CreatingTargetVM, RestoreInProgress, Succeeded or Failed.",
    )
    conditions: Items[Condition] = Field(
        default=(), description="Ready and Progressing.", json_schema_extra=ATOMIC
    )
    snapshot_name: str | None = Field(default=None, description="Snapshot that it goes through.")
    restore_name: str | None = Field(default=None, description="Restore that it goes through.")
    target_name: str | None = Field(default=None, description="Name of the new VM.")


class VirtualMachineClone(Kind):
    """A new virtual machine is to be made like another one."""

    group_version = "clone.kubevirt.io/v1beta1"

    spec: CloneSpec = Field(description="What to clone, and what is to be different.")
    status: CloneStatus = Field(
        default_factory=CloneStatus.model_construct, description="How far it is."
    )
