"""Preferences: named sets of defaults for virtual machines, say for one guest system."""

from typing import Annotated

import annotated_types
from pydantic import Field

from ..base import Empty, Model, Rule
from ..core.clock import ClockOffsetUTC, Timer
from ..core.cpu import CPUFeature
from ..core.devices import TPMDevice, VGPUOptions
from ..core.disks import BlockSize
from ..core.features import FeatureAPIC, FeatureHyperv, FeatureKVM, FeatureState
from ..core.firmware import EFI
from ..kind import Kind
from ..quantity import Quantity
from ..scalars import Choice, Int64, Items, UInt32


class PreferredCPUTopology(Choice):
    """Those with `prefer` are the older spelling."""

    PREFER_CORES = "preferCores"
    PREFER_SOCKETS = "preferSockets"
    PREFER_THREADS = "preferThreads"
    PREFER_SPREAD = "preferSpread"
    PREFER_ANY = "preferAny"
    CORES = "cores"
    SOCKETS = "sockets"
    THREADS = "threads"
    SPREAD = "spread"
    ANY = "any"


class SpreadAcross(Choice):
    SOCKETS_CORES_THREADS = "SocketsCoresThreads"
    SOCKETS_CORES = "SocketsCores"
    CORES_THREADS = "CoresThreads"


class SpreadOptions(Model):
    """How CPUs are spread over the topology."""

    across: SpreadAcross | None = Field(
        default=None, description="SocketsCores (the default), CoresThreads, SocketsCoresThreads."
    )
    ratio: Annotated[int, annotated_types.Ge(1), annotated_types.Le(2**32 - 1)] | None = Field(
        default=None, description="How many of the inner for one of the outer; 2."
    )


class CPUPreferences(Model):
    """Defaults for the virtual CPUs."""

    preferred_cpu_topology: PreferredCPUTopology | None = Field(
        default=None,
        description="What CPUs become: sockets (the default), cores, threads, spread or any.",
    )
    spread_options: SpreadOptions | None = Field(
        default=None, description="How CPUs are spread over the topology."
    )
    preferred_cpu_features: Items[CPUFeature] = Field(default=(), description="CPU flags.")


class PreferredClockOffset(Model):
    """What time the guest starts with."""

    cel_rules = (
        Rule(
            rule="!(has(self.utc) && has(self.timezone))",
            message="only one of utc and timezone may be set",
        ),
    )

    utc: ClockOffsetUTC | None = Field(
        default=None, description="Start at UTC, plus an offset if one is given."
    )
    timezone: str | None = Field(
        default=None, description="Start at the local time of a zone, e.g. Europe/Berlin."
    )


class ClockPreferences(Model):
    """Defaults for the clock."""

    preferred_clock_offset: PreferredClockOffset | None = Field(
        default=None, description="What time the guest starts with."
    )
    preferred_timer: Timer | None = Field(default=None, description="Timers.")


class DevicePreferences(Model):
    """Defaults for devices."""

    preferred_autoattach_graphics_device: bool | None = Field(
        default=None, description="Default for autoattachGraphicsDevice."
    )
    preferred_autoattach_mem_balloon: bool | None = Field(
        default=None, description="Default for autoattachMemBalloon."
    )
    preferred_autoattach_pod_interface: bool | None = Field(
        default=None, description="Default for autoattachPodInterface."
    )
    preferred_autoattach_serial_console: bool | None = Field(
        default=None, description="Default for autoattachSerialConsole."
    )
    preferred_autoattach_input_device: bool | None = Field(
        default=None, description="Default for autoattachInputDevice."
    )
    preferred_disable_hotplug: bool | None = Field(
        default=None, description="Default for disableHotplug."
    )
    preferred_virtual_gpu_options: VGPUOptions | None = Field(
        default=None, description="Default for virtualGPUOptions of GPUs."
    )
    preferred_sound_model: str = Field(default="", description="Default model of sound cards.")
    preferred_use_virtio_transitional: bool | None = Field(
        default=None, description="Default for useVirtioTransitional."
    )
    preferred_input_bus: str = Field(default="", description="Default bus of input devices.")
    preferred_input_type: str = Field(default="", description="Default type of input devices.")
    preferred_disk_bus: str = Field(default="", description="Default bus of disks.")
    preferred_lun_bus: str = Field(default="", description="Default bus of LUNs.")
    preferred_cdrom_bus: str = Field(default="", description="Default bus of CD-ROM drives.")
    preferred_disk_dedicated_io_thread: bool | None = Field(
        default=None,
        alias="preferredDiskDedicatedIoThread",
        description="Default for dedicatedIOThread of virtio disks.",
    )
    preferred_disk_cache: str = Field(default="", description="Default cache mode of disks.")
    preferred_disk_io: str = Field(default="", description="Default I/O mode of disks.")
    preferred_disk_block_size: BlockSize | None = Field(
        default=None, description="Default block sizes of disks."
    )
    preferred_interface_model: str = Field(default="", description="Default model of interfaces.")
    preferred_rng: Empty | None = Field(
        default=None, description="Give the guest a random number generator."
    )
    preferred_block_multi_queue: bool | None = Field(
        default=None, description="Default for blockMultiQueue."
    )
    preferred_network_interface_multi_queue: bool | None = Field(
        default=None, description="Default for networkInterfaceMultiqueue."
    )
    preferred_tpm: TPMDevice | None = Field(default=None, description="Give the guest this TPM.")
    preferred_interface_masquerade: Empty | None = Field(
        default=None, description="Bind interfaces by masquerade."
    )
    preferred_panic_device_model: str | None = Field(
        default=None, description="Default model of panic devices."
    )
    preferred_video_type: str | None = Field(
        default=None, description="Default type of the graphics card."
    )


class FeaturePreferences(Model):
    """Defaults for the platform's features."""

    preferred_acpi: FeatureState | None = Field(default=None, description="Default for acpi.")
    preferred_apic: FeatureAPIC | None = Field(default=None, description="Default for apic.")
    preferred_hyperv: FeatureHyperv | None = Field(default=None, description="Default for hyperv.")
    preferred_kvm: FeatureKVM | None = Field(default=None, description="Default for kvm.")
    preferred_pvspinlock: FeatureState | None = Field(
        default=None, description="Default for pvspinlock."
    )
    preferred_smm: FeatureState | None = Field(default=None, description="Default for smm.")


class FirmwarePreferences(Model):
    """Defaults for the firmware."""

    preferred_use_bios: bool | None = Field(default=None, description="Boot with a BIOS.")
    preferred_use_bios_serial: bool | None = Field(
        default=None, description="Show the BIOS on the serial console too."
    )
    preferred_use_efi: bool | None = Field(
        default=None, description="Deprecated: boot with UEFI; use preferredEfi."
    )
    preferred_use_secure_boot: bool | None = Field(
        default=None, description="Deprecated: boot only what is signed; use preferredEfi."
    )
    preferred_efi: EFI | None = Field(default=None, description="Boot with this UEFI.")


class MachinePreferences(Model):
    """Defaults for the virtual mainboard."""

    preferred_machine_type: str = Field(default="", description="Default machine type.")


class VolumePreferences(Model):
    """Defaults for volumes."""

    preferred_storage_class_name: str = Field(
        default="", description="Default storage class of DataVolumes."
    )


class CPURequirement(Model):
    """CPUs that are needed."""

    guest: UInt32 = Field(description="Least number of virtual CPUs.")


class MemoryRequirement(Model):
    """Memory that is needed."""

    guest: Quantity = Field(description="Least memory.")


class PreferenceRequirements(Model):
    """What a VM must have for this preference to fit."""

    cpu: CPURequirement | None = Field(default=None, description="CPUs that are needed.")
    memory: MemoryRequirement | None = Field(default=None, description="Memory that is needed.")
    architecture: str | None = Field(default=None, description="Architecture that is needed.")


class PreferenceSpec(Model):
    """Defaults for what a virtual machine leaves open."""

    clock: ClockPreferences | None = Field(default=None, description="Defaults for the clock.")
    cpu: CPUPreferences | None = Field(default=None, description="Defaults for the CPUs.")
    devices: DevicePreferences | None = Field(default=None, description="Defaults for devices.")
    features: FeaturePreferences | None = Field(
        default=None, description="Defaults for the platform's features."
    )
    firmware: FirmwarePreferences | None = Field(
        default=None, description="Defaults for the firmware."
    )
    machine: MachinePreferences | None = Field(
        default=None, description="Defaults for the virtual mainboard."
    )
    volumes: VolumePreferences | None = Field(default=None, description="Defaults for volumes.")
    preferred_subdomain: str | None = Field(default=None, description="Default subdomain.")
    preferred_termination_grace_period_seconds: Int64 | None = Field(
        default=None, description="Default for terminationGracePeriodSeconds."
    )
    requirements: PreferenceRequirements | None = Field(
        default=None, description="What a VM must have for this preference to fit."
    )
    annotations: dict[str, str] = Field(
        default_factory=dict, description="Annotations that the VMI gets."
    )
    prefer_spread_socket_to_core_ratio: UInt32 = Field(
        default=0, description="Older form of cpu.spreadOptions.ratio."
    )
    preferred_architecture: str | None = Field(default=None, description="Default architecture.")


class VirtualMachinePreference(Kind):
    """A named set of defaults for virtual machines, for one namespace."""

    group_version = "instancetype.kubevirt.io/v1beta1"

    spec: PreferenceSpec = Field(description="The defaults.")


class VirtualMachineClusterPreference(Kind):
    """A named set of defaults for virtual machines, for the whole cluster."""

    group_version = "instancetype.kubevirt.io/v1beta1"

    spec: PreferenceSpec = Field(description="The defaults.")
