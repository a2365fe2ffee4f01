"""CPUs of the VM's own: dedicated placement, NUMA, the emulator's thread, real time."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.cpu import CPU
from ..core.vmi import VirtualMachineInstanceSpec
from ..quantity import Quantity
from ..violation import Violation
from .causes import invalid, required
from .cpu import vcpus
from .path import Path


def dedicated_placement(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    """Whole CPUs, requested as they are limited: the kubelet pins only such pods."""
    cpu = spec.domain.cpu
    if cpu is not None and cpu.dedicated_cpu_placement:
        yield from _pinned_memory(field, spec)
        yield from _pinned_cpus(field, spec, cpu)
        if cpu.threads > 2:
            yield invalid(
                field / "domain" / "cpu" / "dedicatedCpuPlacement",
                f"Not more than two threads must be provided at {field}.domain.cpu.threads "
                f"(got {cpu.threads}) when DedicatedCPUPlacement is true",
            )


def isolated_emulator(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    cpu = spec.domain.cpu
    if cpu is not None and cpu.isolate_emulator_thread and not cpu.dedicated_cpu_placement:
        yield invalid(
            field / "domain" / "cpu" / "isolateEmulatorThread",
            "IsolateEmulatorThread should be only set in combination with DedicatedCPUPlacement",
        )


def numa(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    cpu, memory = spec.domain.cpu, spec.domain.memory
    if cpu is None or cpu.numa is None or cpu.numa.guest_mapping_passthrough is None:
        return
    domain = field / "domain"
    path = domain / "cpu" / "numa" / "guestMappingPassthrough"
    if not cpu.dedicated_cpu_placement:
        yield invalid(
            path,
            f"{domain}.cpu.dedicatedCpuPlacement must be set to true "
            f"when NUMA topology strategy is set in {path}",
        )
    if memory is None or memory.hugepages is None:
        yield invalid(
            path,
            f"{domain}.memory.hugepages must be requested "
            f"when NUMA topology strategy is set in {path}",
        )


def realtime(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    cpu = spec.domain.cpu
    if cpu is None or cpu.realtime is None:
        return
    path = field / "domain" / "cpu"
    if not cpu.dedicated_cpu_placement:
        placement = path / "dedicatedCpuPlacement"
        yield required(placement, f"{placement} must be set to true when {path}.realtime is used")
    if cpu.numa is None or cpu.numa.guest_mapping_passthrough is None:
        mapping = path / "numa" / "guestMappingPassthrough"
        yield required(mapping, f"{mapping} must be defined when {path}.realtime is used")


def _pinned_memory(field: Path, spec: VirtualMachineInstanceSpec) -> Iterator[Violation]:
    resources = field / "domain" / "resources"
    request = spec.domain.resources.requests.get("memory")
    limit = spec.domain.resources.limits.get("memory")
    if not request and not limit:
        yield invalid(
            resources / "limits" / "memory",
            f"{resources}.requests.memory or {resources}.limits.memory should be provided",
        )
    elif request and limit and request != limit:
        path = resources / "requests" / "memory"
        yield invalid(path, f"{path} must be equal to {resources}.limits.memory")


def _pinned_cpus(field: Path, spec: VirtualMachineInstanceSpec, cpu: CPU) -> Iterator[Violation]:
    resources = field / "domain" / "resources"
    request = spec.domain.resources.requests.get("cpu")
    limit = spec.domain.resources.limits.get("cpu")
    for kind, amount in (("requests", request), ("limits", limit)):
        if amount is not None and amount.milli % 1000:
            # KubeVirt's own spelling.
            yield invalid(
                resources / kind / "cpu", f"provided resources CPU {kind} must be an interger"
            )
    path = field / "domain" / "cpu" / "dedicatedCpuPlacement"
    either = f"{resources}.requests.cpu or {resources}.limits.cpu"
    if not request and not limit and not vcpus(cpu):
        yield invalid(
            path,
            f"either {either} or {field}.domain.cpu.cores must be provided "
            "when DedicatedCPUPlacement is true ",
        )
    elif request and limit and request != limit:
        yield invalid(path, f"{either} must be equal when DedicatedCPUPlacement is true ")
    elif _contradicts(vcpus(cpu), request, limit):
        yield invalid(
            path,
            f"{either} must not be provided at the same time with {field}.domain.cpu.cores "
            "when DedicatedCPUPlacement is true ",
        )


def _contradicts(count: int, *amounts: Quantity | None) -> bool:
    given = [amount.value for amount in amounts if amount]
    return bool(given) and count > 0 and count not in given
