"""What a running virtual machine reports about itself."""

from pydantic import Field

from ..base import Model
from ..kubernetes.meta import Condition
from ..scalars import ATOMIC, Int32, Int64, Items, Timestamp, UInt32, UInt64
from .cpu import CPUTopology
from .firmware import Machine
from .memory import MemoryStatus
from .migration_state import MigrationState
from .volume_status import (
    ChangedBlockTrackingStatus,
    KernelBootStatus,
    StorageMigratedVolumeInfo,
    VolumeStatus,
)


class PhaseTransitionTimestamp(Model):
    """When a phase began."""

    phase: str = Field(default="", description="The phase.")
    phase_transition_timestamp: Timestamp | None = Field(default=None, description="When it began.")


class NetworkInterfaceStatus(Model):
    """A network interface as the guest, or the host, sees it."""

    ip_address: str = Field(default="", description="First of ipAddresses.")
    mac: str = Field(default="", description="MAC address.")
    name: str = Field(default="", description="Name of the network it connects to.")
    ip_addresses: Items[str] = Field(default=(), description="All addresses.")
    pod_interface_name: str = Field(default="", description="Name of the interface in the pod.")
    interface_name: str = Field(default="", description="Name of the interface in the guest.")
    info_source: str = Field(
        default="", description="Who told: domain, guest-agent, multus-status, comma-separated."
    )
    queue_count: Int32 = Field(default=0, description="Number of queues.")
    link_state: str = Field(default="", description="up or down.")


class GuestOSInfo(Model):
    """The guest's system, as its agent tells."""

    name: str = Field(default="", description="Name of the system.")
    kernel_release: str = Field(default="", description="Release of the kernel.")
    version: str = Field(default="", description="Version of the system.")
    pretty_name: str = Field(default="", description="Name and version for people.")
    version_id: str = Field(default="", description="Version for programs.")
    kernel_version: str = Field(default="", description="Version of the kernel.")
    machine: str = Field(default="", description="Architecture.")
    id: str = Field(default="", description="Name of the system for programs.")


class TopologyHints(Model):
    """What a node must have for the VM to move there."""

    tsc_frequency: Int64 | None = Field(default=None, description="TSC frequency in Hz.")


class DeviceAttributes(Model):
    """Addresses of a device that a ResourceClaim allocated."""

    pci_address: str | None = Field(default=None, description="PCI address on the node.")
    m_dev_uuid: str | None = Field(default=None, description="UUID of a mediated device.")


class DeviceResourceClaimStatus(Model):
    """The claim behind a device, and what it allocated."""

    name: str | None = Field(default=None, description="Name of the allocated device.")
    resource_claim_name: str | None = Field(default=None, description="Name of the ResourceClaim.")
    attributes: DeviceAttributes | None = Field(
        default=None, description="Addresses of the device."
    )


class DeviceStatusInfo(Model):
    """State of one device."""

    name: str = Field(description="Name of the device in the spec.")
    device_resource_claim_status: DeviceResourceClaimStatus | None = Field(
        default=None, description="The claim behind it."
    )


class DeviceStatus(Model):
    """State of the devices that ResourceClaims allocated."""

    gpu_statuses: Items[DeviceStatusInfo] = Field(
        default=(), description="State of the GPUs.", json_schema_extra=ATOMIC
    )
    host_device_statuses: Items[DeviceStatusInfo] = Field(
        default=(), description="State of the host devices.", json_schema_extra=ATOMIC
    )


class VirtualMachineInstanceStatus(Model):
    """State of a running virtual machine."""

    node_name: str = Field(default="", description="Node that it runs on.")
    reason: str = Field(default="", description="Why it is in this phase, e.g. NodeUnresponsive.")
    conditions: Items[Condition] = Field(
        default=(), description="Ready, Paused, AgentConnected, LiveMigratable and others."
    )
    phase: str = Field(
        default="",
        description="Pending, Scheduling, Scheduled, Running, Succeeded, Failed, WaitingForSync"
        " or Unknown.",
    )
    phase_transition_timestamps: Items[PhaseTransitionTimestamp] = Field(
        default=(), description="When each phase began.", json_schema_extra=ATOMIC
    )
    interfaces: Items[NetworkInterfaceStatus] = Field(
        default=(), description="Network interfaces and their addresses."
    )
    guest_os_info: GuestOSInfo = Field(
        default_factory=GuestOSInfo.model_construct, description="The guest's system."
    )
    migration_state: MigrationState | None = Field(
        default=None, description="How the present or last live migration goes."
    )
    migration_method: str = Field(
        default="", description="LiveMigration, or BlockMigration when disks must be copied too."
    )
    migration_transport: str = Field(default="", description="Unix.")
    qos_class: str | None = Field(default=None, description="Quality of service of the pod.")
    launcher_container_image_version: str = Field(
        default="", description="Image that the VM's pod runs."
    )
    evacuation_node_name: str = Field(default="", description="Node that the VM is asked to leave.")
    active_pods: dict[str, str] = Field(
        default_factory=dict, description="Nodes by UID of the pods that hold the VM."
    )
    volume_status: Items[VolumeStatus] = Field(
        default=(), description="State of the volumes.", json_schema_extra=ATOMIC
    )
    kernel_boot_status: KernelBootStatus | None = Field(
        default=None, description="Kernel and initrd that were started directly."
    )
    fs_freeze_status: str = Field(
        default="", description="frozen when the guest's file systems were asked to stand still."
    )
    topology_hints: TopologyHints | None = Field(
        default=None, description="What a node must have for the VM to move there."
    )
    virtual_machine_revision_name: str = Field(
        default="", description="Revision of the VM's spec that it was started with."
    )
    runtime_user: UInt64 = Field(default=0, description="User that QEMU runs as.")
    vsockcid: UInt32 | None = Field(
        default=None, alias="VSOCKCID", description="Context identifier of its virtio socket."
    )
    selinux_context: str = Field(default="", description="SELinux context of the pod, or none.")
    machine: Machine | None = Field(
        default=None, description="Machine type that it really has, with its version."
    )
    current_cpu_topology: CPUTopology | None = Field(
        default=None, description="CPUs that it has now."
    )
    memory: MemoryStatus | None = Field(default=None, description="Memory that it has now.")
    migrated_volumes: Items[StorageMigratedVolumeInfo] = Field(
        default=(), description="Volumes that move to other claims.", json_schema_extra=ATOMIC
    )
    changed_block_tracking: ChangedBlockTrackingStatus | None = Field(
        default=None, description="Whether changed blocks are recorded."
    )
    device_status: DeviceStatus | None = Field(
        default=None, description="Devices that ResourceClaims allocated."
    )
