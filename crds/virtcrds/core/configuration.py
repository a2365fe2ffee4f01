"""The cluster-wide configuration of virtual machines, in the KubeVirt object."""

from pydantic import Field

from ..base import Empty, Model
from ..kubernetes.meta import LabelSelector
from ..quantity import Quantity
from ..scalars import ATOMIC, Choice, Int64, Items, UInt32
from .bindings import NetworkConfiguration, PlainResources
from .components import ComponentClient, SeccompConfiguration, TLSConfiguration
from .developer import DeveloperConfiguration
from .hostdevices import MediatedDevicesConfiguration, PermittedHostDevices
from .migration_state import MigrationConfiguration


class VMRolloutStrategy(Choice):
    STAGE = "Stage"
    LIVE_UPDATE = "LiveUpdate"


class ReferencePolicy(Choice):
    REFERENCE = "reference"
    EXPAND = "expand"
    EXPAND_ALL = "expandAll"


class RoleAggregationStrategy(Choice):
    AGGREGATE_TO_DEFAULT = "AggregateToDefault"
    MANUAL = "Manual"


class HypervisorName(Choice):
    KVM = "kvm"
    HYPERV_DIRECT = "hyperv-direct"


class SMBiosConfiguration(Model):
    """What the SMBIOS of all guests tells."""

    manufacturer: str = Field(default="", description="Who made the machine.")
    product: str = Field(default="", description="Product.")
    version: str = Field(default="", description="Version.")
    sku: str = Field(default="", description="SKU number.")
    family: str = Field(default="", description="Family.")


class ArchSpecificConfiguration(Model):
    """Defaults for one architecture."""

    ovmf_path: str = Field(default="", description="Folder with UEFI images.")
    emulated_machines: Items[str] = Field(
        default=(), description="Machine types that are allowed.", json_schema_extra=ATOMIC
    )
    machine_type: str = Field(default="", description="Machine type of a VM that names none.")


class ArchConfiguration(Model):
    """Defaults by architecture."""

    amd64: ArchSpecificConfiguration | None = Field(default=None, description="For amd64.")
    arm64: ArchSpecificConfiguration | None = Field(default=None, description="For arm64.")
    ppc64le: ArchSpecificConfiguration | None = Field(default=None, description="Not used.")
    s390x: ArchSpecificConfiguration | None = Field(default=None, description="For s390x.")
    default_architecture: str = Field(
        default="", description="Architecture of a VM that names none."
    )


class SupportContainerResources(Model):
    """CPU and memory of one type of helper container."""

    type: str = Field(
        description="hotplug-disk, container-disk, virtiofs, sidecar, vmexport or"
        " guest-console-log."
    )
    resources: PlainResources = Field(description="Its CPU and memory.")


class VirtualMachineOptions(Model):
    """Switches for all VMs."""

    disable_free_page_reporting: Empty | None = Field(
        default=None, description="Guests do not report free memory."
    )
    disable_serial_console_log: Empty | None = Field(
        default=None, description="Serial consoles are not logged."
    )


class KSMConfiguration(Model):
    """Merging of equal memory pages."""

    node_label_selector: LabelSelector | None = Field(
        default=None, description="Nodes that merge; empty selects all."
    )


class LiveUpdateConfiguration(Model):
    """Limits of plugging CPUs and memory."""

    max_hotplug_ratio: UInt32 = Field(
        default=0, description="How many times as much as at the start; 4."
    )
    max_cpu_sockets: UInt32 | None = Field(
        default=None, alias="maxCpuSockets", description="Sockets that may be reached."
    )
    max_guest: Quantity | None = Field(default=None, description="Memory that may be reached.")


class Deployment(Model):
    """Whether something is deployed along."""

    enabled: bool | None = Field(default=None, description="Whether it is deployed.")


class InstancetypeConfiguration(Model):
    """How VMs keep the instancetype that they use."""

    reference_policy: ReferencePolicy | None = Field(
        default=None, description="reference (the default: keep a copy), expand or expandAll."
    )


class HypervisorConfiguration(Model):
    """A hypervisor of the nodes."""

    name: HypervisorName | None = Field(default=None, description="kvm.")


class ChangedBlockTrackingSelectors(Model):
    """VMs whose changed blocks are recorded."""

    namespace_label_selector: LabelSelector | None = Field(
        default=None, description="All VMs of these namespaces."
    )
    virtual_machine_label_selector: LabelSelector | None = Field(
        default=None, description="These VMs."
    )


class TDXAttestation(Model):
    """The service that signs a TDX guest's state."""

    enforced: bool | None = Field(default=None, description="Only use nodes that have the service.")
    qgs_socket_path: str | None = Field(default=None, description="Socket of the service.")


class TDXConfiguration(Model):
    """Intel TDX."""

    attestation: TDXAttestation | None = Field(
        default=None, description="The service that signs a guest's state."
    )


class ConfidentialComputeConfiguration(Model):
    """Confidential computing."""

    tdx: TDXConfiguration | None = Field(default=None, description="Intel TDX.")


class KubeVirtConfiguration(Model):
    """How virtual machines are run in this cluster."""

    cpu_model: str = Field(default="", description="CPU model of a VM that names none.")
    cpu_request: Quantity | None = Field(
        default=None, description="CPU that a VM requests that asks for none; 100m."
    )
    developer_configuration: DeveloperConfiguration | None = Field(
        default=None, description="Gates, ratios, and what eases development."
    )
    emulated_machines: Items[str] = Field(
        default=(), description="Deprecated: see architectureConfiguration."
    )
    image_pull_policy: str = Field(
        default="", description="Pull policy of the images that VMs' pods run."
    )
    migrations: MigrationConfiguration | None = Field(
        default=None, description="Limits and ways of live migrations."
    )
    machine_type: str = Field(default="", description="Deprecated: see architectureConfiguration.")
    network: NetworkConfiguration | None = Field(
        default=None, description="Defaults of interfaces."
    )
    ovmf_path: str = Field(default="", description="Deprecated: see architectureConfiguration.")
    selinux_launcher_type: str = Field(default="", description="SELinux type of VMs' pods.")
    default_runtime_class: str = Field(default="", description="Runtime class of VMs' pods.")
    smbios: SMBiosConfiguration | None = Field(
        default=None, description="What the SMBIOS of all guests tells."
    )
    architecture_configuration: ArchConfiguration | None = Field(
        default=None, description="Defaults by architecture."
    )
    eviction_strategy: str | None = Field(
        default=None, description="Eviction strategy of a VM that names none; None."
    )
    additional_guest_memory_overhead_ratio: str | None = Field(
        default=None, description="Factor for the memory that a VM costs beyond its guest's; 1."
    )
    support_container_resources: Items[SupportContainerResources] = Field(
        default=(),
        description="CPU and memory of helper containers.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    )
    supported_guest_agent_versions: Items[str] = Field(default=(), description="Not used.")
    mem_balloon_stats_period: UInt32 | None = Field(
        default=None, description="Seconds between reports of guests' memory; 10."
    )
    permitted_host_devices: PermittedHostDevices | None = Field(
        default=None, description="Host devices that VMs may use."
    )
    mediated_devices_configuration: MediatedDevicesConfiguration | None = Field(
        default=None, description="Mediated devices to make on nodes."
    )
    min_cpu_model: str = Field(default="", description="Not used.")
    obsolete_cpu_models: dict[str, bool] = Field(
        default_factory=dict, description="CPU models that nodes do not offer, instead of ours."
    )
    virtual_machine_instances_per_node: Int64 | None = Field(
        default=None, description="VMs that one node may run; 1000."
    )
    api_configuration: ComponentClient | None = Field(
        default=None, description="Settings of virt-api."
    )
    webhook_configuration: ComponentClient | None = Field(
        default=None, description="Settings of the webhooks."
    )
    controller_configuration: ComponentClient | None = Field(
        default=None, description="Settings of virt-controller."
    )
    handler_configuration: ComponentClient | None = Field(
        default=None, description="Settings of virt-handler."
    )
    tls_configuration: TLSConfiguration | None = Field(
        default=None, description="TLS of our servers."
    )
    seccomp_configuration: SeccompConfiguration | None = Field(
        default=None, description="Seccomp profiles."
    )
    vm_state_storage_class: str = Field(
        default="", description="Storage class of claims with TPM and UEFI state."
    )
    virtual_machine_options: VirtualMachineOptions | None = Field(
        default=None, description="Switches for all VMs."
    )
    ksm_configuration: KSMConfiguration | None = Field(
        default=None, description="Merging of equal memory pages."
    )
    auto_cpu_limit_namespace_label_selector: LabelSelector | None = Field(
        default=None, description="Namespaces whose VMs get a CPU limit of one CPU per virtual CPU."
    )
    live_update_configuration: LiveUpdateConfiguration | None = Field(
        default=None, description="Limits of plugging CPUs and memory."
    )
    vm_rollout_strategy: VMRolloutStrategy | None = Field(
        default=None,
        description="When a VM's template changes: LiveUpdate (the default) or Stage until the next"
        " start.",
    )
    common_instancetypes_deployment: Deployment | None = Field(
        default=None, description="Whether common instancetypes are deployed along."
    )
    virt_template_deployment: Deployment | None = Field(
        default=None, description="Whether VM templates are deployed along."
    )
    instancetype: InstancetypeConfiguration | None = Field(
        default=None, description="How VMs keep the instancetype that they use."
    )
    hypervisors: Items[HypervisorConfiguration] = Field(
        default=(),
        max_length=1,
        description="Hypervisor of the nodes.",
        json_schema_extra=ATOMIC,
    )
    changed_block_tracking_label_selectors: ChangedBlockTrackingSelectors | None = Field(
        default=None, description="VMs whose changed blocks are recorded."
    )
    persistent_reservation_configuration: Deployment | None = Field(
        default=None, description="Whether SCSI persistent reservations can be used."
    )
    confidential_compute: ConfidentialComputeConfiguration | None = Field(
        default=None, description="Confidential computing."
    )
    role_aggregation_strategy: RoleAggregationStrategy | None = Field(
        default=None,
        description="AggregateToDefault (the default): users who may edit may edit VMs; or Manual.",
    )
