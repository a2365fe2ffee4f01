"""CPU and memory: requests, the guest's size, and the topology of its CPUs."""

from __future__ import annotations

from ..clusterconfig import ClusterConfig
from ..core.cpu import CPU
from ..core.memory import Memory, ResourceRequirements
from ..core.vmi import VirtualMachineInstanceSpec
from ..quantity import Quantity
from .evolve import evolve

_STANDARD_CPU_REQUEST = Quantity("100m")
_MOST_SOCKETS = 2**32 - 1
"""What the field can hold."""


def resource_requests(
    spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> VirtualMachineInstanceSpec:
    """A limit on CPU is a request too; a cluster may set a request for VMs that have none."""
    resources, cpu = spec.domain.resources, spec.domain.cpu
    request, limit = resources.requests.get("cpu"), resources.limits.get("cpu")
    standard = Quantity(config.cpu_request)
    if limit and not request:
        request = limit
    elif request is None and standard != _STANDARD_CPU_REQUEST:
        # Dedicated CPUs are counted from the topology, not asked for.
        request = None if cpu is not None and cpu.dedicated_cpu_placement else standard
    if request is None or request is resources.requests.get("cpu"):
        return spec
    requested = evolve(resources, requests=resources.requests | {"cpu": request})
    return evolve(spec, domain=evolve(spec.domain, resources=requested))


def guest_memory(
    spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> VirtualMachineInstanceSpec:
    """The guest gets what the pod asks for, when it names no size of its own."""
    memory = spec.domain.memory or Memory()
    if memory.guest is None:
        guest = _memory_of(spec.domain.resources) or _page_of(memory)
        memory = evolve(memory, guest=guest)
    return evolve(spec, domain=evolve(spec.domain, memory=memory))


def cpu_topology(
    spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> VirtualMachineInstanceSpec:
    """As many sockets as CPUs are asked for, when the topology is left open."""
    cpu = spec.domain.cpu or CPU()
    if not (cpu.cores or cpu.sockets or cpu.threads):
        cpu = evolve(cpu, sockets=_sockets_of(spec.domain.resources), cores=1, threads=1)
    return evolve(spec, domain=evolve(spec.domain, cpu=cpu))


def _memory_of(resources: ResourceRequirements) -> Quantity | None:
    amounts = (resources.requests.get("memory"), resources.limits.get("memory"))
    return next((amount for amount in amounts if amount), None)


def _page_of(memory: Memory) -> Quantity | None:
    if memory.hugepages is None:
        return None
    try:
        return Quantity(memory.hugepages.page_size)
    except ValueError:
        return None


def _sockets_of(resources: ResourceRequirements) -> int:
    amount = resources.limits.get("cpu", resources.requests.get("cpu"))
    return min(max(amount.value, 1), _MOST_SOCKETS) if amount is not None else 1
