"""Fields that are accepted without effect on one machine: they speak to a cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from virtcrds.view import VirtualMachineInstance
from virtcrds.view import VirtualMachineInstanceSpec as Spec

_FIELDS: dict[str, Callable[[Spec], Any]] = {
    "spec.affinity": lambda spec: spec.affinity,
    "spec.nodeSelector": lambda spec: spec.node_selector,
    "spec.tolerations": lambda spec: spec.tolerations,
    "spec.topologySpreadConstraints": lambda spec: spec.topology_spread_constraints,
    "spec.schedulerName": lambda spec: spec.scheduler_name,
    "spec.priorityClassName": lambda spec: spec.priority_class_name,
    "spec.evictionStrategy": lambda spec: spec.eviction_strategy not in (None, "", "None"),
    "spec.serviceAccountName": lambda spec: spec.service_account_name,
    "spec.dnsPolicy": lambda spec: spec.dns_policy not in ("", "ClusterFirst"),
    "spec.subdomain": lambda spec: spec.subdomain,
    "spec.livenessProbe": lambda spec: spec.liveness_probe,
    "spec.readinessProbe": lambda spec: spec.readiness_probe,
    "spec.resourceClaims": lambda spec: spec.resource_claims,
    "spec.utilityVolumes": lambda spec: spec.utility_volumes,
    "spec.domain.cpu.dedicatedCpuPlacement": lambda spec: _cpu(spec, "dedicated_cpu_placement"),
    "spec.domain.cpu.isolateEmulatorThread": lambda spec: _cpu(spec, "isolate_emulator_thread"),
    "spec.domain.cpu.realtime": lambda spec: _cpu(spec, "realtime"),
    "spec.domain.memory.reservedOverhead": lambda spec: (
        spec.domain.memory and spec.domain.memory.reserved_overhead
    ),
    "spec.domain.resources.overcommitGuestOverhead": lambda spec: (
        spec.domain.resources.overcommit_guest_overhead
    ),
}


def not_acted_on(vmi: VirtualMachineInstance) -> list[str]:
    """Paths of such fields that the VMI sets."""
    paths = [path for path, find in _FIELDS.items() if find(vmi.spec)]
    for index, disk in enumerate(vmi.spec.domain.devices.disks):
        if disk.changed_block_tracking:
            paths.append(f"spec.domain.devices.disks[{index}].changedBlockTracking")
    return paths


def _cpu(spec: Spec, name: str) -> Any:
    return spec.domain.cpu and getattr(spec.domain.cpu, name)
