"""The steps of defaulting a VMI, in KubeVirt's order."""

from __future__ import annotations

from collections.abc import Callable

from ..clusterconfig import DEFAULT_CONFIG, ClusterConfig
from ..core.cpu import CPUTopology
from ..core.firmware import Firmware
from ..core.memory import MemoryStatus
from ..core.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec
from ..core.vmi_status import PhaseTransitionTimestamp, VirtualMachineInstanceStatus
from ..kubernetes.meta import ObjectMeta
from . import attachments, domain, hotplug, hyperv, resources
from .evolve import evolve, filled

FINALIZER = "kubevirt.io/foregroundDeleteVirtualMachine"
PCI_TOPOLOGY_VERSION = "kubevirt.io/pci-topology-version"
RUNTIME_USER = 107
"""The user of the launcher's processes, known to images and to claims' file systems."""

_Step = Callable[[VirtualMachineInstanceSpec, ClusterConfig], VirtualMachineInstanceSpec]

_SPEC_STEPS: tuple[_Step, ...] = (
    domain.architecture,
    domain.machine_type,
    resources.resource_requests,
    resources.guest_memory,
    resources.cpu_topology,
    attachments.pull_policies,
    domain.eviction_strategy,
    attachments.default_network,
    attachments.default_disks,
)
_INSTANCE_STEPS: tuple[_Step, ...] = (
    domain.features,
    domain.timers,
    domain.probes,
    attachments.disk_targets,
    lambda spec, config: hyperv.hyperv_dependencies(spec),
    attachments.disk_buses,
    domain.small_devices,
    domain.arm_boot,
    domain.cpu_model,
    hotplug.growth,
)


def default(
    vmi: VirtualMachineInstance,
    config: ClusterConfig = DEFAULT_CONFIG,
    *,
    firmware_uuid: str = "",
    now: str = "",
) -> VirtualMachineInstance:
    """The VMI as KubeVirt's webhook stores it at creation.

    `firmware_uuid` is for a VMI that brings none (the caller makes it up: randomness is not ours);
    without it the guest's UUID stays open. `now` (RFC 3339) is when the phase Pending begins;
    without it no such time is noted. Never raises: what cannot be defaulted is left to `validate`.
    """
    spec = default_spec(vmi.spec, config)
    for step in _INSTANCE_STEPS:
        spec = step(spec, config)
    firmware = filled(spec.domain.firmware or Firmware(), {"uuid": firmware_uuid})
    spec = evolve(spec, domain=evolve(spec.domain, firmware=firmware))
    return evolve(
        vmi,
        spec=spec,
        metadata=_metadata(vmi.metadata, spec),
        status=_status(vmi.status, spec, config, now),
    )


def default_spec(
    spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> VirtualMachineInstanceSpec:
    """The part of defaulting that also a VM's template goes through, before it is validated."""
    for step in _SPEC_STEPS:
        spec = step(spec, config)
    return spec


def has_pcie_ports(spec: VirtualMachineInstanceSpec) -> bool:
    """Whether the machine has PCI Express root ports, of which some can be kept for hotplug."""
    machine = spec.domain.machine.type if spec.domain.machine is not None else ""
    return spec.architecture in ("", "amd64", "arm64") and (
        not machine or "q35" in machine or machine.startswith("virt")
    )


def with_pci_topology(metadata: ObjectMeta, spec: VirtualMachineInstanceSpec) -> dict[str, str]:
    """The annotations, with the layout of the PCI ports that a new guest gets for its life."""
    if not has_pcie_ports(spec):
        return metadata.annotations
    return {PCI_TOPOLOGY_VERSION: "v3"} | metadata.annotations


def _metadata(metadata: ObjectMeta, spec: VirtualMachineInstanceSpec) -> ObjectMeta:
    finalizers = metadata.finalizers
    if FINALIZER not in finalizers:
        finalizers = (*finalizers, FINALIZER)
    return evolve(metadata, annotations=with_pci_topology(metadata, spec), finalizers=finalizers)


def _status(
    status: VirtualMachineInstanceStatus,
    spec: VirtualMachineInstanceSpec,
    config: ClusterConfig,
    now: str,
) -> VirtualMachineInstanceStatus:
    if not config.enabled("Root"):
        status = filled(status, {"runtime_user": RUNTIME_USER})
    if not status.phase:
        status = evolve(status, phase="Pending")
        if now:
            began = PhaseTransitionTimestamp(phase="Pending", phase_transition_timestamp=now)
            known = status.phase_transition_timestamps
            status = evolve(status, phase_transition_timestamps=(*known, began))
    return filled(
        status, {"memory": _memory_status(spec), "current_cpu_topology": _cpu_status(spec)}
    )


def _memory_status(spec: VirtualMachineInstanceSpec) -> MemoryStatus | None:
    guest = spec.domain.memory.guest if spec.domain.memory is not None else None
    if guest is None:
        return None
    return MemoryStatus(guest_at_boot=guest, guest_current=guest, guest_requested=guest)


def _cpu_status(spec: VirtualMachineInstanceSpec) -> CPUTopology | None:
    cpu = spec.domain.cpu
    if cpu is None:
        return None
    counts = {"sockets": cpu.sockets, "cores": cpu.cores, "threads": cpu.threads}
    return CPUTopology(**{name: count for name, count in counts.items() if count})
