"""How far a VM may grow while it runs."""

from __future__ import annotations

from ..clusterconfig import ClusterConfig, RolloutStrategy
from ..core.cpu import CPU
from ..core.domain import DomainSpec
from ..core.memory import Memory
from ..core.vmi import VirtualMachineInstanceSpec
from ..quantity import Quantity
from .evolve import evolve

_MAX_VCPUS = 512
"""KubeVirt's bound for what CPU hotplug may reach."""
_MAX_UINT32 = 2**32 - 1
_MIN_GUEST = Quantity("1Gi")
"""Below it, the buffers that hotpluggable memory costs a Linux guest are felt."""
_BLOCK = 2 << 20
_GIGANTIC_BLOCK = 1 << 30


def growth(spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> VirtualMachineInstanceSpec:
    """Sets maxSockets and maxGuest where the rollout strategy and the VM allow growing."""
    if config.rollout_strategy is not RolloutStrategy.LIVE_UPDATE or spec.architecture == "arm64":
        return spec
    domain = spec.domain
    if domain.cpu is not None:
        domain = evolve(domain, cpu=_with_max_sockets(domain.cpu, config))
    if domain.memory is not None and domain.memory.max_guest is None:
        domain = evolve(domain, memory=_with_max_guest(spec, domain.memory, config))
    return evolve(spec, domain=domain)


def memory_hotplug_complaint(
    spec: VirtualMachineInstanceSpec, max_guest: Quantity | None
) -> str | None:
    """Why the guest's memory cannot grow to `max_guest` while it runs; None when it can."""
    guest = spec.domain.memory.guest if spec.domain.memory is not None else None
    if (complaint := _incompatible(spec.domain)) is not None:
        return complaint
    if guest is None:
        return "Guest memory must be configured when memory hotplug is enabled"
    if max_guest is None:
        return "Max guest memory must be configured when memory hotplug is enabled"
    if guest > max_guest:
        return "Guest memory is greater than the configured maxGuest memory"
    block = _hotplug_block(spec.domain)
    if guest.value % block:
        return f"Guest memory must be {Quantity.of_bytes(block)} aligned"
    if max_guest.value % block:
        return f"MaxGuest must be {Quantity.of_bytes(block)} aligned"
    if spec.architecture != "amd64":
        return "Memory hotplug is only available for x86_64 VMs"
    if guest < _MIN_GUEST:
        return "Memory hotplug is only available for VMs with at least 1Gi of guest memory"
    return None


def _incompatible(domain: DomainSpec) -> str | None:
    cpu = domain.cpu
    if cpu is not None and cpu.realtime is not None:
        return "Memory hotplug is not compatible with realtime VMs"
    if cpu is not None and cpu.numa is not None and cpu.numa.guest_mapping_passthrough is not None:
        return "Memory hotplug is not compatible with guest mapping passthrough"
    if domain.launch_security is not None:
        return "Memory hotplug is not compatible with encrypted VMs"
    return None


def _hotplug_block(domain: DomainSpec) -> int:
    pages = domain.memory.hugepages if domain.memory is not None else None
    return _GIGANTIC_BLOCK if pages is not None and pages.page_size == "1Gi" else _BLOCK


def _with_max_sockets(cpu: CPU, config: ClusterConfig) -> CPU:
    if cpu.max_sockets:
        return cpu
    if config.max_cpu_sockets:
        return evolve(cpu, max_sockets=max(config.max_cpu_sockets, cpu.sockets))
    most = cpu.sockets * config.max_hotplug_ratio
    per_socket = cpu.cores * cpu.threads
    if most * per_socket > _MAX_VCPUS:
        most = max(_MAX_VCPUS // per_socket, cpu.sockets)
    return evolve(cpu, max_sockets=min(most, _MAX_UINT32))


def _with_max_guest(
    spec: VirtualMachineInstanceSpec, memory: Memory, config: ClusterConfig
) -> Memory:
    if config.max_guest:
        most: Quantity | None = Quantity(config.max_guest)
    elif memory.guest is not None:
        most = Quantity.of_bytes(memory.guest.value * config.max_hotplug_ratio)
    else:
        most = None
    if memory_hotplug_complaint(spec, most) is not None:
        return memory
    return evolve(memory, max_guest=most)
