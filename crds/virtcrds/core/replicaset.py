"""VirtualMachineInstanceReplicaSet: as many equal VMIs as were asked for."""

from typing import Annotated

import annotated_types
from pydantic import Field

from ..base import Model
from ..kind import Kind
from ..kubernetes.meta import Condition, LabelSelector
from ..scalars import Int32, Items
from .vm import VirtualMachineInstanceTemplateSpec


class ReplicaSetSpec(Model):
    """What to run, and how many of it."""

    replicas: Annotated[Int32, annotated_types.Ge(0)] | None = Field(
        default=None, description="Number of VMIs; 1 when unset."
    )
    selector: LabelSelector = Field(
        description="Selects the VMIs to count; must match the template's labels."
    )
    template: VirtualMachineInstanceTemplateSpec = Field(description="The VMI to make.")
    paused: bool = Field(default=False, description="Neither make nor delete VMIs.")


class ReplicaSetStatus(Model):
    """How many VMIs there are."""

    replicas: Int32 = Field(default=0, description="VMIs that are not finished.")
    ready_replicas: Int32 = Field(default=0, description="VMIs that are ready.")
    conditions: Items[Condition] = Field(
        default=(), description="ReplicaFailure and ReplicaPaused."
    )
    label_selector: str = Field(default="", description="The selector as text, for autoscalers.")


class VirtualMachineInstanceReplicaSet(Kind):
    """As many equal VMIs as were asked for; one that ends is replaced."""

    spec: ReplicaSetSpec = Field(description="What to run, and how many of it.")
    status: ReplicaSetStatus = Field(
        default_factory=ReplicaSetStatus.model_construct, description="How many there are."
    )
