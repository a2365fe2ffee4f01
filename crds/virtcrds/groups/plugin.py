"""Plugin: hooks of others into the life of virtual machines. Known here, not acted on."""

from pydantic import Field

from ..base import Empty, Model
from ..duration import Duration
from ..kind import Kind
from ..scalars import ATOMIC, Items


class Hook(Model):
    """When a hook applies, and what its failure means."""

    condition: str = Field(default="", description="CEL expression: for which VMs.")
    failure_strategy: str = Field(
        default="", description="What a failure means: Fail (the default) or Ignore."
    )
    timeout: Duration | None = Field(default=None, description="How long to wait for the hook.")


class CELDomainHook(Model):
    """An expression that changes the domain."""

    expression: str = Field(description="The CEL expression.")


class SidecarDomainHook(Model):
    """A sidecar that changes the domain."""

    socket_path: str = Field(description="Socket of the sidecar.")


class DomainHook(Hook):
    """A hook that changes the domain before it starts."""

    cel: CELDomainHook | None = Field(default=None, description="By an expression.")
    sidecar: SidecarDomainHook | None = Field(default=None, description="By a sidecar.")


class NodeHook(Hook):
    """A hook that acts on the node."""

    socket: str = Field(description="Socket of the hook.")
    permitted_hooks: Items[str] = Field(
        description="Events: PreVMStart, PostVMStart, PreVMStop, PostVMStop, and those of"
        " migrations.",
        json_schema_extra=ATOMIC,
    )


class AdmissionReference(Model):
    """An admission object that belongs to the plugin."""

    name: str = Field(description="Name of the object.")


class PluginSpec(Model):
    """The plugin's hooks."""

    condition: str = Field(default="", description="CEL expression: for which VMs.")
    failure_strategy: str = Field(
        default="", description="What a failure means: Fail (the default) or Ignore."
    )
    domain_hooks: Items[DomainHook] = Field(
        default=(), description="Hooks that change the domain.", json_schema_extra=ATOMIC
    )
    node_hooks: Items[NodeHook] = Field(
        default=(), description="Hooks that act on the node.", json_schema_extra=ATOMIC
    )
    mutating_admission_policies: Items[AdmissionReference] = Field(
        default=(), description="MutatingAdmissionPolicies of it.", json_schema_extra=ATOMIC
    )
    validating_admission_policies: Items[AdmissionReference] = Field(
        default=(), description="ValidatingAdmissionPolicies of it.", json_schema_extra=ATOMIC
    )
    mutating_admission_webhooks: Items[AdmissionReference] = Field(
        default=(), description="MutatingWebhookConfigurations of it.", json_schema_extra=ATOMIC
    )
    validating_admission_webhooks: Items[AdmissionReference] = Field(
        default=(), description="ValidatingWebhookConfigurations of it.", json_schema_extra=ATOMIC
    )


class Plugin(Kind):
    """Hooks of others into the life of virtual machines."""

    group_version = "plugin.kubevirt.io/v1alpha1"

    spec: PluginSpec = Field(description="The plugin's hooks.")
    status: Empty | None = Field(default=None, description="Nothing yet.")
