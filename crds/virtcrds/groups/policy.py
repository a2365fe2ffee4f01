"""MigrationPolicy: how the live migrations of certain VMIs are carried out."""

from pydantic import Field

from ..base import Empty, Model
from ..core.migration_state import MigrationTuning
from ..kind import Kind


class PolicySelectors(Model):
    """Which VMIs a policy is for; all labels must match."""

    namespace_selector: dict[str, str] = Field(
        default_factory=dict, description="Labels of the VMI's namespace."
    )
    virtual_machine_instance_selector: dict[str, str] = Field(
        default_factory=dict, description="Labels of the VMI."
    )


class MigrationPolicySpec(MigrationTuning):
    """Which VMIs, and how they migrate."""

    selectors: PolicySelectors = Field(
        description="Which VMIs it is for; the policy with most matching labels wins."
    )


class MigrationPolicy(Kind):
    """How the live migrations of certain VMIs are carried out."""

    group_version = "migrations.kubevirt.io/v1alpha1"

    spec: MigrationPolicySpec = Field(description="Which VMIs, and how they migrate.")
    status: Empty | None = Field(default=None, description="Nothing yet.")
