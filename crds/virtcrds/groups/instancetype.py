"""Instancetypes: named sizes of virtual machines, for a namespace or for the cluster."""

from typing import Annotated

import annotated_types
from pydantic import Field

from ..base import Model
from ..core.cpu import NUMA, Realtime
from ..core.devices import GPU, HostDevice
from ..core.domain import DiskIOThreads
from ..core.memory import Hugepages
from ..core.security import LaunchSecurity
from ..kind import Kind
from ..quantity import Quantity
from ..scalars import ATOMIC, Items

_Positive = Annotated[int, annotated_types.Ge(1), annotated_types.Le(2**32 - 1)]


class CPUInstancetype(Model):
    """The virtual CPUs."""

    guest: _Positive = Field(description="Number of virtual CPUs.")
    model: str | None = Field(
        default=None, description="host-model, host-passthrough, or a named model of QEMU."
    )
    dedicated_cpu_placement: bool | None = Field(
        default=None, description="Give every virtual CPU a host CPU of its own."
    )
    numa: NUMA | None = Field(default=None, description="The guest's NUMA topology.")
    isolate_emulator_thread: bool | None = Field(
        default=None, description="Keep one more host CPU for QEMU's own threads."
    )
    realtime: Realtime | None = Field(default=None, description="Tune the VM for bounded latency.")
    max_sockets: _Positive | None = Field(
        default=None, description="Sockets that may be reached by plugging while the VM runs."
    )


class MemoryInstancetype(Model):
    """The guest's memory."""

    guest: Quantity = Field(description="Memory that the guest sees.")
    hugepages: Hugepages | None = Field(
        default=None, description="Take the memory from huge pages of this size."
    )
    overcommit_percent: Annotated[int, annotated_types.Ge(0), annotated_types.Le(100)] = Field(
        default=0, description="Percentage of the memory that the pod does not ask for."
    )
    max_guest: Quantity | None = Field(
        default=None, description="Memory that may be reached by plugging while the VM runs."
    )


class InstancetypeSpec(Model):
    """A size of a virtual machine."""

    node_selector: dict[str, str] = Field(
        default_factory=dict, description="Labels that the node must have."
    )
    scheduler_name: str = Field(default="", description="Scheduler that places the pod.")
    cpu: CPUInstancetype = Field(description="The virtual CPUs.")
    memory: MemoryInstancetype = Field(description="The guest's memory.")
    gpus: Items[GPU] = Field(
        default=(), description="GPUs that are passed through.", json_schema_extra=ATOMIC
    )
    host_devices: Items[HostDevice] = Field(
        default=(), description="Host devices that are passed through.", json_schema_extra=ATOMIC
    )
    io_threads_policy: str | None = Field(
        default=None, description="shared, auto or supplementalPool."
    )
    io_threads: DiskIOThreads | None = Field(
        default=None, description="Numbers for the I/O threads."
    )
    launch_security: LaunchSecurity | None = Field(
        default=None, description="Protect the guest's memory from the host."
    )
    annotations: dict[str, str] = Field(
        default_factory=dict, description="Annotations that the VMI gets."
    )


class VirtualMachineInstancetype(Kind):
    """A named size of virtual machines, for one namespace."""

    group_version = "instancetype.kubevirt.io/v1beta1"

    spec: InstancetypeSpec = Field(description="The size.")


class VirtualMachineClusterInstancetype(Kind):
    """A named size of virtual machines, for the whole cluster."""

    group_version = "instancetype.kubevirt.io/v1beta1"

    spec: InstancetypeSpec = Field(description="The size.")
