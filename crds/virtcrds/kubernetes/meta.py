"""Metadata of objects, selectors of labels, conditions."""

from typing import Any

from pydantic import Field

from ..base import Model
from ..scalars import ATOMIC, Int64, Items, Timestamp


class OwnerReference(Model):
    """The object that owns this one; with the last owner gone, this one goes too."""

    api_version: str = Field(description="API group and version of the owner.")
    kind: str = Field(description="Kind of the owner.")
    name: str = Field(description="Name of the owner.")
    uid: str = Field(description="UID of the owner.")
    controller: bool | None = Field(
        default=None, description="Whether the owner is the one controller of this object."
    )
    block_owner_deletion: bool | None = Field(
        default=None,
        description="Whether a foreground deletion of the owner waits for this object.",
    )


class ManagedFieldsEntry(Model):
    """Which fields one writer set (server-side apply)."""

    manager: str = Field(default="", description="Who wrote the fields.")
    operation: str = Field(default="", description="Apply or Update.")
    api_version: str = Field(default="", description="Version that the fields belong to.")
    time: Timestamp | None = Field(default=None, description="When the fields were last written.")
    fields_type: str = Field(default="", description="Format of the field set.")
    fields_v1: dict[str, Any] = Field(
        default_factory=dict, alias="fieldsV1", description="The field set."
    )
    subresource: str = Field(default="", description="Subresource the write went through.")


class ObjectMeta(Model):
    """Name, labels and bookkeeping of an object."""

    name: str = Field(default="", description="Name, unique in its namespace for a kind.")
    generate_name: str = Field(
        default="", description="Prefix for a name that the server makes when none is given."
    )
    namespace: str = Field(default="", description="Namespace of the object.")
    self_link: str = Field(default="", description="Unused by present servers.")
    uid: str = Field(default="", description="Identity over time, set by the server.")
    resource_version: str = Field(default="", description="Version of the stored object.")
    generation: Int64 = Field(default=0, description="Counts the changes of the spec.")
    creation_timestamp: Timestamp | None = Field(
        default=None, description="When the object was created."
    )
    deletion_timestamp: Timestamp | None = Field(
        default=None, description="When the object is to be gone; set once deletion was asked for."
    )
    deletion_grace_period_seconds: Int64 | None = Field(
        default=None, description="Seconds granted for a graceful deletion."
    )
    labels: dict[str, str] = Field(
        default_factory=dict, description="Keys and values that selectors look at."
    )
    annotations: dict[str, str] = Field(
        default_factory=dict, description="Keys and values for people and tools."
    )
    owner_references: Items[OwnerReference] = Field(
        default=(), description="Objects this one depends on."
    )
    finalizers: Items[str] = Field(
        default=(), description="Who must act before the object may vanish."
    )
    managed_fields: Items[ManagedFieldsEntry] = Field(
        default=(), description="Which writer owns which fields."
    )


class TemplateMeta(ObjectMeta):
    """Metadata for objects made from a template: labels and annotations, seldom more."""

    open_ended = True


class LabelSelectorRequirement(Model):
    """One condition on a label."""

    key: str = Field(description="Label that the condition looks at.")
    operator: str = Field(description="In, NotIn, Exists or DoesNotExist.")
    values: Items[str] = Field(
        default=(),
        description="Values for In and NotIn; none otherwise.",
        json_schema_extra=ATOMIC,
    )


class LabelSelector(Model):
    """Selects objects by their labels; an empty selector selects all."""

    atomic = True

    match_labels: dict[str, str] = Field(
        default_factory=dict, description="Labels that must have these values."
    )
    match_expressions: Items[LabelSelectorRequirement] = Field(
        default=(), description="Conditions that must all hold.", json_schema_extra=ATOMIC
    )


class Condition(Model):
    """One aspect of an object's state, with the reason for it."""

    type: str = Field(description="Name of the aspect, e.g. Ready.")
    status: str = Field(description="True, False or Unknown.")
    last_probe_time: Timestamp | None = Field(
        default=None, description="When the condition was last looked at."
    )
    last_transition_time: Timestamp | None = Field(
        default=None, description="When the status last changed."
    )
    reason: str = Field(default="", description="One CamelCase word for programs.")
    message: str = Field(default="", description="A sentence for people.")


class LocalObjectReference(Model):
    """Name of an object in the same namespace."""

    atomic = True

    name: str = Field(default="", description="Name of the object.")


class TypedLocalObjectReference(Model):
    """An object of some kind in the same namespace."""

    atomic = True

    api_group: str | None = Field(
        default=None, description="API group of the object; none for the core group."
    )
    kind: str = Field(description="Kind of the object.")
    name: str = Field(description="Name of the object.")
