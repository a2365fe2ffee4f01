"""Virtual CPUs: how many, of what model, pinned where."""

from pydantic import Field

from ..base import Empty, Model
from ..scalars import Items, UInt32


class CPUFeature(Model):
    """One flag of the CPU."""

    name: str = Field(description="Name of the flag, e.g. vmx.")
    policy: str = Field(
        default="",
        description=(
            "force (claim it), require (the default: fail without it), optional (if the host"
            " has it), disable (hide it) or forbid (fail when the host has it)."
        ),
    )


class NUMA(Model):
    """The guest's NUMA topology."""

    guest_mapping_passthrough: Empty | None = Field(
        default=None,
        description="Model the guest's nodes after the host nodes of its pinned CPUs.",
    )


class Realtime(Model):
    """Tuning for workloads that need bounded latency."""

    mask: str = Field(
        default="", description="Virtual CPUs that run real-time, e.g. 0-3,^1; all when empty."
    )


class CPUTopology(Model):
    """Sockets, cores and threads."""

    cores: UInt32 = Field(default=0, description="Cores of a socket.")
    sockets: UInt32 = Field(default=0, description="Sockets.")
    threads: UInt32 = Field(default=0, description="Threads of a core.")


class CPU(CPUTopology):
    """The virtual CPUs."""

    max_sockets: UInt32 = Field(
        default=0, description="Sockets that may be reached by plugging while the VM runs."
    )
    model: str = Field(
        default="",
        description="host-model (the default), host-passthrough, or a named model of QEMU.",
    )
    features: Items[CPUFeature] = Field(
        default=(), description="Flags to add to, or take from, the model."
    )
    dedicated_cpu_placement: bool = Field(
        default=False,
        alias="dedicatedCpuPlacement",
        description="Give every virtual CPU a host CPU of its own.",
    )
    numa: NUMA | None = Field(default=None, description="The guest's NUMA topology.")
    isolate_emulator_thread: bool = Field(
        default=False, description="Keep one more host CPU for QEMU's own threads."
    )
    realtime: Realtime | None = Field(default=None, description="Tune the VM for bounded latency.")
