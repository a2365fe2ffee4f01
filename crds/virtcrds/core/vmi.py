"""VirtualMachineInstance: a virtual machine that runs, once."""

from pydantic import Field

from ..base import Model
from ..kind import Kind
from ..kubernetes.pod import PodDNSConfig
from ..kubernetes.scheduling import Affinity, Toleration, TopologySpreadConstraint
from ..scalars import ATOMIC, BY_NAME, Int64, Items
from .credentials import AccessCredential
from .domain import DomainSpec
from .networks import Network
from .probes import Probe
from .vmi_status import VirtualMachineInstanceStatus
from .volumes import UtilityVolume, Volume


class ResourceClaim(Model):
    """A claim on devices that must be allocated before the VM starts."""

    name: str = Field(description="Name that devices use.")
    resource_claim_name: str | None = Field(
        default=None, description="A ResourceClaim in the VM's namespace."
    )
    resource_claim_template_name: str | None = Field(
        default=None, description="A ResourceClaimTemplate, from which a claim is made."
    )


class VirtualMachineInstanceSpec(Model):
    """What the virtual machine is, and where it may run."""

    priority_class_name: str = Field(default="", description="Priority class of the pod.")
    domain: DomainSpec = Field(description="The virtual machine itself.")
    node_selector: dict[str, str] = Field(
        default_factory=dict, description="Labels that the node must have."
    )
    affinity: Affinity | None = Field(
        default=None, description="Attraction to and repulsion from nodes and pods."
    )
    scheduler_name: str = Field(default="", description="Scheduler that places the pod.")
    service_account_name: str = Field(
        default="", description="Service account of the pod; the guest does not see its token."
    )
    tolerations: Items[Toleration] = Field(
        default=(), description="Taints that do not keep the VM away."
    )
    topology_spread_constraints: Items[TopologySpreadConstraint] = Field(
        default=(),
        description="How evenly VMs are spread over topology domains.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["topologyKey", "whenUnsatisfiable"],
        },
    )
    eviction_strategy: str | None = Field(
        default=None,
        description="What happens when the node is drained: None (stop), LiveMigrate,"
        " LiveMigrateIfPossible, or External (another controller acts).",
    )
    start_strategy: str | None = Field(
        default=None, description="Paused: wait with the first instruction until unpaused."
    )
    termination_grace_period_seconds: Int64 | None = Field(
        default=None,
        description="Seconds between asking the guest to power off and turning it off; 30.",
    )
    volumes: Items[Volume] = Field(
        default=(), max_length=256, description="Where the bytes of the disks come from."
    )
    liveness_probe: Probe | None = Field(
        default=None, description="The VM is stopped when this fails."
    )
    readiness_probe: Probe | None = Field(
        default=None, description="Services leave the VM out while this fails."
    )
    hostname: str = Field(default="", description="The guest's host name; the VM's name if empty.")
    subdomain: str = Field(
        default="", description="Domain below the namespace's, for HOSTNAME.SUBDOMAIN in DNS."
    )
    networks: Items[Network] = Field(
        default=(), max_length=256, description="Networks that interfaces connect to."
    )
    dns_policy: str = Field(
        default="",
        description="ClusterFirst (the default), ClusterFirstWithHostNet, Default, None.",
    )
    dns_config: PodDNSConfig | None = Field(
        default=None, description="Resolver settings, merged with the policy's."
    )
    access_credentials: Items[AccessCredential] = Field(
        default=(),
        max_length=256,
        description="SSH keys and passwords for the guest.",
        json_schema_extra=ATOMIC,
    )
    architecture: str = Field(
        default="", description="amd64, arm64 or s390x; the cluster's default when empty."
    )
    resource_claims: Items[ResourceClaim] = Field(
        default=(),
        description="Claims on devices that must be allocated before the VM starts.",
        json_schema_extra=BY_NAME,
    )
    utility_volumes: Items[UtilityVolume] = Field(
        default=(),
        max_length=256,
        description="Claims for memory dumps and backups; the guest does not see them.",
        json_schema_extra=BY_NAME,
    )


class VirtualMachineInstance(Kind):
    """A virtual machine that runs, once: when it stops, it stays stopped."""

    spec: VirtualMachineInstanceSpec = Field(
        description="What the virtual machine is, and where it may run."
    )
    status: VirtualMachineInstanceStatus = Field(
        default_factory=VirtualMachineInstanceStatus.model_construct,
        description="How it is doing.",
    )
