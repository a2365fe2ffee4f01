"""VirtualMachine: a virtual machine that can be stopped and started again."""

from typing import Any

from pydantic import Field

from ..base import Model
from ..kind import Kind
from ..kubernetes.meta import ObjectMeta, TemplateMeta
from ..scalars import SERVER_REQUIRES, Items
from .vm_status import VirtualMachineStatus
from .vmi import VirtualMachineInstance, VirtualMachineInstanceSpec


class InstancetypeMatcher(Model):
    """Names an instancetype or a preference."""

    name: str = Field(default="", description="Name of the object.")
    kind: str = Field(
        default="", description="Kind of the object; the cluster-wide kind when empty."
    )
    revision_name: str = Field(
        default="", description="ControllerRevision with a copy of the object."
    )
    infer_from_volume: str = Field(
        default="", description="Take the name from the labels of this volume's claim."
    )
    infer_from_volume_failure_policy: str | None = Field(
        default=None, description="When those labels are missing: Reject (the default) or Ignore."
    )


class DataVolumeTemplateSpec(Model):
    """A DataVolume that is made for the VM, and goes with it."""

    api_version: str = Field(default="", description="Not used.")
    kind: str = Field(default="", description="Not used.")
    metadata: TemplateMeta = Field(
        default_factory=TemplateMeta.model_construct, description="Name and labels."
    )
    spec: dict[str, Any] = Field(description="Spec of the DataVolume, see its own API.")
    status: dict[str, Any] | None = Field(default=None, description="Not used.")


class VirtualMachineInstanceTemplateSpec(Model):
    """The VMI that is made whenever the VM starts."""

    metadata: TemplateMeta = Field(
        default_factory=TemplateMeta.model_construct, description="Labels and annotations."
    )
    spec: VirtualMachineInstanceSpec = Field(
        description="What the virtual machine is, and where it may run."
    )


class VirtualMachineSpec(Model):
    """What to run, and when."""

    running: bool | None = Field(
        default=None, description="Deprecated: true is runStrategy Always, false is Halted."
    )
    run_strategy: str | None = Field(
        default=None,
        description="Always, RerunOnFailure (start again only after a failure), Once (never"
        " again), Manual (when asked) or Halted.",
    )
    instancetype: InstancetypeMatcher | None = Field(
        default=None, description="CPU and memory from a named size."
    )
    preference: InstancetypeMatcher | None = Field(
        default=None, description="Defaults for devices from a named set."
    )
    template: VirtualMachineInstanceTemplateSpec | None = Field(
        default=None,
        description="The VMI that is made whenever the VM starts.",
        json_schema_extra=SERVER_REQUIRES,
    )
    data_volume_templates: Items[DataVolumeTemplateSpec] = Field(
        default=(), description="DataVolumes that are made for the VM, and go with it."
    )
    update_volumes_strategy: str | None = Field(
        default=None,
        description="When volumes change: Replacement (at the next start), or Migration (copy"
        " while the VM runs).",
    )


class VirtualMachine(Kind):
    """A virtual machine that can be stopped and started again."""

    spec: VirtualMachineSpec = Field(description="What to run, and when.")
    status: VirtualMachineStatus = Field(
        default_factory=VirtualMachineStatus.model_construct, description="How it is doing."
    )


def vmi_of(vm: VirtualMachine) -> VirtualMachineInstance:
    """The VMI that a start of `vm` makes: its name and namespace, its template's labels and spec.

    What only a controller knows (owner, revision, generation) is not filled in. Raises ValueError
    when the VM has no template, which `validate` reports as a violation.
    """
    template = vm.spec.template
    if template is None:
        raise ValueError("missing virtual machine template.")
    metadata = ObjectMeta(
        name=vm.metadata.name,
        namespace=vm.metadata.namespace,
        labels=template.metadata.labels,
        annotations=template.metadata.annotations,
    )
    return VirtualMachineInstance(metadata=metadata, spec=template.spec)
