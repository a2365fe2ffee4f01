"""VirtualMachineInstancePreset: deprecated defaults for VMIs with certain labels."""

from pydantic import Field

from ..base import Model
from ..kind import Kind
from ..kubernetes.meta import LabelSelector
from .domain import DomainSpec


class PresetSpec(Model):
    """Which VMIs get which defaults."""

    selector: LabelSelector = Field(description="Selects the VMIs.")
    domain: DomainSpec | None = Field(default=None, description="What they get.")


class VirtualMachineInstancePreset(Kind):
    """Deprecated: defaults for VMIs with certain labels. Use instancetypes and preferences."""

    group_version = "kubevirt.io/v1alpha3"

    spec: PresetSpec | None = Field(default=None, description="Which VMIs get which defaults.")
