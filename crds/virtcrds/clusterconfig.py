"""What a cluster's KubeVirt object decides about VMs, and what is decided where it is silent."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from . import featuregates

MACHINE_TYPES: Mapping[str, str] = MappingProxyType(
    {"amd64": "q35", "arm64": "virt", "s390x": "s390-ccw-virtio"}
)
EMULATED_MACHINES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"amd64": ("q35*", "pc-q35*"), "arm64": ("virt*",), "s390x": ("s390-ccw-virtio*",)}
)


class RolloutStrategy(StrEnum):
    """What happens to a running VM when its template changes."""

    LIVE_UPDATE = "LiveUpdate"
    STAGE = "Stage"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClusterConfig:
    """KubeVirt's configuration as far as VMs' rules and defaults depend on it.

    The defaults are those of a KubeVirt object whose `spec.configuration` is empty.
    """

    feature_gates: frozenset[str] = frozenset()
    disabled_feature_gates: frozenset[str] = frozenset()
    default_architecture: str = "amd64"
    machine_types: Mapping[str, str] = dataclasses.field(default_factory=lambda: MACHINE_TYPES)
    """The machine of a VM that names none, by architecture."""
    emulated_machines: Mapping[str, tuple[str, ...]] = dataclasses.field(
        default_factory=lambda: EMULATED_MACHINES
    )
    """Shell patterns of the machines a VM may name, by architecture."""
    default_network_interface: str = "bridge"
    """The binding of a VM that names no interface: `bridge` or `masquerade`."""
    permit_bridge_on_pod_network: bool = True
    cpu_model: str = ""
    """The CPU model of a VM that names none; empty means host-model."""
    cpu_request: str = "100m"
    """A quantity, given to VMs that ask for no CPU; `100m` is left to whoever makes the pod."""
    eviction_strategy: str = "None"
    rollout_strategy: RolloutStrategy = RolloutStrategy.LIVE_UPDATE
    max_hotplug_ratio: int = 4
    """A VM may grow at runtime to this multiple of the sockets and the memory it booted with."""
    max_cpu_sockets: int = 0
    """The sockets a VM may grow to; 0 leaves it to `max_hotplug_ratio`."""
    max_guest: str = ""
    """A quantity: the memory a VM may grow to; empty leaves it to `max_hotplug_ratio`."""
    max_disks: int = 64
    """Ours: what one guest's buses, and one launcher's descriptors, still carry."""
    max_vcpus: int = 4096
    """Ours: the most vCPUs that any machine of any QEMU takes."""

    def enabled(self, gate: str) -> bool:
        """Whether the cluster has the feature behind this gate."""
        return featuregates.is_open(
            gate, named=gate in self.feature_gates, disabled=gate in self.disabled_feature_gates
        )

    def machine_type(self, architecture: str) -> str:
        return self.machine_types.get(architecture, self.machine_types["amd64"])

    def machines(self, architecture: str) -> tuple[str, ...]:
        return self.emulated_machines.get(architecture, self.emulated_machines["amd64"])


DEFAULT_CONFIG = ClusterConfig()
"""A cluster whose KubeVirt object says nothing, and a machine without a cluster."""
