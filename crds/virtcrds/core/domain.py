"""The guest: everything that makes the virtual machine itself."""

from pydantic import Field

from ..base import Model
from ..scalars import Choice, UInt32
from .clock import Clock
from .cpu import CPU
from .devices import Devices
from .features import Features
from .firmware import Chassis, Firmware, Machine
from .memory import Memory, ResourceRequirements
from .security import LaunchSecurity


class RebootPolicy(Choice):
    REBOOT = "Reboot"
    TERMINATE = "Terminate"


class DiskIOThreads(Model):
    """Numbers for the I/O threads."""

    supplemental_pool_thread_count: UInt32 | None = Field(
        default=None, description="Threads of the pool of policy supplementalPool."
    )


class DomainSpec(Model):
    """The virtual machine itself."""

    resources: ResourceRequirements = Field(
        default_factory=ResourceRequirements.model_construct,
        description="CPU and memory of the VM's pod.",
    )
    cpu: CPU | None = Field(default=None, description="The virtual CPUs.")
    memory: Memory | None = Field(default=None, description="The guest's memory.")
    machine: Machine | None = Field(default=None, description="The virtual mainboard.")
    firmware: Firmware | None = Field(
        default=None, description="BIOS or UEFI, and what they tell about the machine."
    )
    clock: Clock | None = Field(default=None, description="The guest's clock and timers.")
    features: Features | None = Field(
        default=None, description="What the platform offers to the guest."
    )
    devices: Devices = Field(description="Disks, interfaces and all other devices.")
    io_threads_policy: str | None = Field(
        default=None, description="shared, auto or supplementalPool; no I/O threads when unset."
    )
    io_threads: DiskIOThreads | None = Field(
        default=None, description="Numbers for the I/O threads."
    )
    chassis: Chassis | None = Field(default=None, description="SMBIOS description of the case.")
    launch_security: LaunchSecurity | None = Field(
        default=None, description="Protect the guest's memory from the host."
    )
    reboot_policy: RebootPolicy | None = Field(
        default=None,
        description="On a reboot by the guest: Reboot (the default), or Terminate the instance"
        " so that it is created anew.",
    )
