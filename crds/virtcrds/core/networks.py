"""Networks that a VM's interfaces connect to."""

from pydantic import Field

from ..base import Model, Rule
from ..scalars import SERVER_REQUIRES

_KINDS = "[has(self.pod), has(self.multus), has(self.resourceClaim)]"


class PodNetwork(Model):
    """The pod's own network."""

    vm_network_cidr: str = Field(
        default="", description="Guest's IPv4 network behind masquerade; 10.0.2.0/24 by default."
    )
    vm_ipv6_network_cidr: str = Field(
        default="", description="Guest's IPv6 network behind masquerade; fd10:0:2::/120 by default."
    )


class MultusNetwork(Model):
    """A network that Multus attaches to the pod."""

    network_name: str = Field(
        default="",
        description="NetworkAttachmentDefinition: NAME, or NAMESPACE/NAME.",
        json_schema_extra=SERVER_REQUIRES,
    )
    default: bool = Field(
        default=False, description="Make this the pod's default network instead of the cluster's."
    )


class ResourceClaimNetwork(Model):
    """A network device that a ResourceClaim allocates."""

    claim_name: str | None = Field(
        default=None, description="Name of an entry of spec.resourceClaims."
    )
    request_name: str | None = Field(
        default=None, description="Name of a request inside that claim."
    )


class Network(Model):
    """One network, by the name that interfaces use."""

    cel_rules = (
        Rule(rule=f"{_KINDS}.exists(x, x)", message="should have a network type"),
        Rule(
            rule=f"{_KINDS}.filter(x, x).size() <= 1",
            message="should have only one network type",
        ),
    )

    name: str = Field(description="Name, unique in the VM.")
    pod: PodNetwork | None = Field(default=None, description="The pod's own network.")
    multus: MultusNetwork | None = Field(default=None, description="A network by Multus.")
    resource_claim: ResourceClaimNetwork | None = Field(
        default=None, description="A device that a ResourceClaim allocates."
    )
