"""CPU, memory and storage that the `compute` container asks for."""

from __future__ import annotations

from virtcrds import Quantity, VirtualMachineInstance
from virtcrds.core.cpu import CPU
from virtcrds.core.vmi import VirtualMachineInstanceSpec

from ...settings import Settings
from .overhead import guest_memory, overhead, vcpus
from .quota import Quota

_SCRATCH = 50_000_000
"""Bytes of ephemeral storage for what is no disk, as in KubeVirt."""
_GUARANTEED = 100 << 20
"""Bytes for a pod that never gets more than it asked for, as in KubeVirt."""
_CPU_FLOOR = 100
_NO_QUOTA = Quota()
Resources = dict[str, dict[str, str]]


def memory_overhead(vmi: VirtualMachineInstance, settings: Settings) -> int:
    """Bytes beside the guest's memory, in the request and in a limit alike."""
    more = _GUARANTEED if wants_guarantee(vmi.spec) else 0
    return overhead(
        vmi, emulated=settings.use_emulation, ratio=settings.overhead_ratio, guaranteed=more
    )


def wants_guarantee(spec: VirtualMachineInstanceSpec) -> bool:
    """Whether the pod must be of QoS class Guaranteed: dedicated CPUs, or requests = limits."""
    cpu = spec.domain.cpu
    if cpu is not None and cpu.dedicated_cpu_placement:
        return True
    requests, limits = spec.domain.resources.requests, spec.domain.resources.limits
    return all(
        requests.get(name) is not None and requests.get(name) == limits.get(name)
        for name in ("cpu", "memory")
    )


def compute_resources(
    vmi: VirtualMachineInstance, settings: Settings, quota: Quota = _NO_QUOTA
) -> Resources:
    """`requests` and `limits` of the container; limits also where a quota asks for them."""
    wished = vmi.spec.domain.resources
    requests = {name: str(amount) for name, amount in wished.requests.items()}
    limits = {name: str(amount) for name, amount in wished.limits.items()}
    requests["cpu"] = requests.get("cpu") or _cpu(vmi.spec, settings)
    _memory(vmi, settings, requests, limits)
    if vmi.spec.domain.cpu is not None and vmi.spec.domain.cpu.dedicated_cpu_placement:
        _dedicated(vmi.spec.domain.cpu, vcpus(vmi.spec), requests, limits)
    if quota.memory and "memory" not in limits:
        limits["memory"] = _text(int(Quantity(requests["memory"]).value * quota.memory_ratio))
    if quota.cpu and "cpu" not in limits:
        limits["cpu"] = str(max(vcpus(vmi.spec), Quantity(requests["cpu"]).value))
    for amounts in (requests, limits):
        if amounts is requests or "ephemeral-storage" in amounts:
            _add(amounts, "ephemeral-storage", _SCRATCH)
    return {"limits": limits, "requests": requests} if limits else {"requests": requests}


def _cpu(spec: VirtualMachineInstanceSpec, settings: Settings) -> str:
    cpu = spec.domain.cpu or CPU()
    if not (cpu.sockets or cpu.cores or cpu.threads):
        return f"{_CPU_FLOOR}m"
    milli = vcpus(spec) * 1000 // max(settings.cpu_allocation_ratio, 1)
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"


def _memory(
    vmi: VirtualMachineInstance,
    settings: Settings,
    requests: dict[str, str],
    limits: dict[str, str],
) -> None:
    wished = vmi.spec.domain.resources
    extra = memory_overhead(vmi, settings)
    guest = guest_memory(vmi.spec)
    asked = wished.requests.get("memory")
    amount = asked.value if asked else guest * 100 // max(settings.memory_overcommit, 1)
    if pages := _page_size(vmi.spec):
        key = f"hugepages-{pages}"
        requests[key] = limits[key] = _text(guest)
        amount = 0
    charged = 0 if wished.overcommit_guest_overhead and not pages else extra
    requests["memory"] = _text(amount + charged)
    if limit := wished.limits.get("memory"):
        limits["memory"] = _text((0 if pages else limit.value) + extra)


def _page_size(spec: VirtualMachineInstanceSpec) -> str:
    memory = spec.domain.memory
    return memory.hugepages.page_size if memory is not None and memory.hugepages else ""


def _dedicated(cpu: CPU, virtual: int, requests: dict[str, str], limits: dict[str, str]) -> None:
    """Whole CPUs, one for each virtual one, and one for QEMU's own threads when asked."""
    count = str(virtual + (1 if cpu.isolate_emulator_thread else 0))
    requests["cpu"] = limits["cpu"] = count
    limits["memory"] = requests["memory"]


def _add(amounts: dict[str, str], name: str, more: int) -> None:
    known = Quantity(amounts[name]).value if name in amounts else 0
    amounts[name] = _text(known + more) if known else f"{more // 10**6}M"


def _text(amount: int) -> str:
    return str(Quantity.of_bytes(amount))
