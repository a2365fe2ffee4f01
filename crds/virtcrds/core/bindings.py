"""Defaults of interfaces, and binding plugins."""

from pydantic import Field

from ..base import Model
from ..scalars import ResourceList


class PlainResources(Model):
    """CPU and memory of a container."""

    limits: ResourceList = Field(default_factory=dict, description="What it may use at most.")
    requests: ResourceList = Field(default_factory=dict, description="What is reserved for it.")


class InterfaceBindingMigration(Model):
    """What happens to an interface after a migration."""

    method: str = Field(default="", description="link-refresh: take the link down and up again.")


class InterfaceBindingPlugin(Model):
    """A way to connect interfaces that is not built in."""

    sidecar_image: str = Field(default="", description="Image of a sidecar.")
    network_attachment_definition: str = Field(
        default="", description="NetworkAttachmentDefinition: NAME, or NAMESPACE/NAME."
    )
    domain_attachment_type: str = Field(default="", description="tap or managedTap.")
    migration: InterfaceBindingMigration | None = Field(
        default=None, description="The interface survives migrations."
    )
    downward_api: str = Field(default="", description="device-info: tell the sidecar the device.")
    compute_resource_overhead: PlainResources | None = Field(
        default=None, description="What the VM's container needs more."
    )


class NetworkConfiguration(Model):
    """Defaults of interfaces."""

    default_network_interface: str = Field(
        default="", description="Binding of an interface that names none: bridge or masquerade."
    )
    permit_slirp_interface: bool | None = Field(default=None, description="Not used any more.")
    permit_bridge_interface_on_pod_network: bool | None = Field(
        default=None, description="Whether the pod network may be bound by bridge; true."
    )
    binding: dict[str, InterfaceBindingPlugin] = Field(
        default_factory=dict, description="Binding plugins by name."
    )
