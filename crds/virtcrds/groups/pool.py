"""VirtualMachinePool: as many equal virtual machines as were asked for."""

from typing import Annotated

import annotated_types
from pydantic import Field

from ..base import Empty, Model
from ..core.vm import VirtualMachineSpec
from ..duration import Duration
from ..kind import Kind
from ..kubernetes.meta import Condition, LabelSelector, TemplateMeta
from ..kubernetes.scheduling import NodeSelectorRequirement
from ..scalars import ATOMIC, Choice, Int32, IntOrString, Items


class SortPolicy(Choice):
    ASCENDING_ORDER = "AscendingOrder"
    DESCENDING_ORDER = "DescendingOrder"
    NEWEST = "Newest"
    OLDEST = "Oldest"
    RANDOM = "Random"


class StatePreservation(Choice):
    DISABLED = "Disabled"
    OFFLINE = "Offline"
    ONLINE = "Online"


class VirtualMachineTemplateSpec(Model):
    """The VM to make."""

    metadata: TemplateMeta = Field(
        default_factory=TemplateMeta.model_construct, description="Labels and annotations."
    )
    spec: VirtualMachineSpec = Field(
        default_factory=VirtualMachineSpec.model_construct, description="What to run, and when."
    )


class NameGeneration(Model):
    """What else than the VM's name gets its number."""

    append_index_to_config_map_refs: bool | None = Field(
        default=None, description="Names of ConfigMaps that the VM refers to."
    )
    append_index_to_secret_refs: bool | None = Field(
        default=None, description="Names of Secrets that the VM refers to."
    )


class Selectors(Model):
    """Which VMs go first; all that is given must match."""

    label_selector: LabelSelector | None = Field(default=None, description="VMs with these labels.")
    node_selector_requirement_matcher: Items[NodeSelectorRequirement] = Field(
        default=(), description="VMs on nodes like these.", json_schema_extra=ATOMIC
    )


class SelectionPolicy(Model):
    """In which order VMs are taken."""

    sort_policy: SortPolicy | None = Field(
        default=None,
        description="AscendingOrder or DescendingOrder (of their numbers), Newest, Oldest, Random.",
    )
    selectors: Selectors | None = Field(default=None, description="Which VMs go first.")


class OpportunisticScaleIn(Model):
    """Wait until somebody else deletes VMs."""

    state_preservation: StatePreservation | None = Field(
        default=None,
        description="Keep nothing (Disabled), claims (Offline), or memory too (Online).",
    )


class ProactiveScaleIn(OpportunisticScaleIn):
    """Delete VMs at once."""

    selection_policy: SelectionPolicy | None = Field(
        default=None, description="In which order VMs are taken; Random by default."
    )


class ScaleInStrategy(Model):
    """What happens when there are too many VMs."""

    unmanaged: Empty | None = Field(default=None, description="Nothing.")
    opportunistic: OpportunisticScaleIn | None = Field(
        default=None, description="Wait until somebody else deletes VMs."
    )
    proactive: ProactiveScaleIn | None = Field(
        default=None, description="Delete VMs at once, the default."
    )


class ProactiveUpdate(Model):
    """Restart VMs so that they get the new template."""

    selection_policy: SelectionPolicy | None = Field(
        default=None, description="In which order VMs are taken; Random by default."
    )


class UpdateStrategy(Model):
    """What happens when the template changes."""

    unmanaged: Empty | None = Field(default=None, description="Nothing.")
    opportunistic: Empty | None = Field(
        default=None, description="VMs get the new template when they are next started."
    )
    proactive: ProactiveUpdate | None = Field(
        default=None, description="VMs are restarted where that is needed, the default."
    )


class Autohealing(Model):
    """When a VM that does not start is replaced."""

    start_up_failure_threshold: (
        Annotated[int, annotated_types.Ge(1), annotated_types.Le(2**32 - 1)] | None
    ) = Field(default=None, description="After so many failures in a row; 3.")
    min_failing_to_start_duration: Duration | None = Field(
        default=None, description="And not before so much time; 5m."
    )


class PoolSpec(Model):
    """What to run, and how many of it."""

    replicas: Annotated[Int32, annotated_types.Ge(0)] | None = Field(
        default=None, description="Number of VMs; 1 when unset."
    )
    selector: LabelSelector = Field(
        description="Selects the VMs to count; must match the template's labels."
    )
    virtual_machine_template: VirtualMachineTemplateSpec = Field(description="The VM to make.")
    paused: bool = Field(default=False, description="Neither make nor delete VMs.")
    name_generation: NameGeneration | None = Field(
        default=None, description="What else than the VM's name gets its number."
    )
    max_unavailable: IntOrString | None = Field(
        default=None, description="How many VMs, or what part, may be down during an update; 100%."
    )
    scale_in_strategy: ScaleInStrategy | None = Field(
        default=None, description="What happens when there are too many VMs."
    )
    update_strategy: UpdateStrategy | None = Field(
        default=None, description="What happens when the template changes."
    )
    autohealing: Autohealing | None = Field(
        default=None, description="When a VM that does not start is replaced."
    )


class PoolStatus(Model):
    """How many VMs there are."""

    replicas: Int32 = Field(default=0, description="VMs that there are.")
    ready_replicas: Int32 = Field(default=0, description="VMs that are ready.")
    conditions: Items[Condition] = Field(
        default=(), description="ReplicaFailure and ReplicaPaused.", json_schema_extra=ATOMIC
    )
    label_selector: str = Field(default="", description="The selector as text, for autoscalers.")


class VirtualMachinePool(Kind):
    """As many equal virtual machines as were asked for, with numbers in their names."""

    group_version = "pool.kubevirt.io/v1beta1"

    spec: PoolSpec = Field(description="What to run, and how many of it.")
    status: PoolStatus = Field(
        default_factory=PoolStatus.model_construct, description="How many there are."
    )
