"""From the KubeVirt object to what it decides about VMs."""

from __future__ import annotations

from .clusterconfig import DEFAULT_CONFIG, ClusterConfig, RolloutStrategy
from .core.bindings import NetworkConfiguration
from .core.configuration import (
    ArchConfiguration,
    ArchSpecificConfiguration,
    KubeVirtConfiguration,
    LiveUpdateConfiguration,
)
from .core.developer import DeveloperConfiguration
from .core.kubevirt import KubeVirt


def config_of(kubevirt: KubeVirt) -> ClusterConfig:
    """The configuration that the object asks for; what it leaves open has KubeVirt's default."""
    wished = kubevirt.spec.configuration
    developer = wished.developer_configuration or DeveloperConfiguration()
    network = wished.network or NetworkConfiguration()
    growth = wished.live_update_configuration or LiveUpdateConfiguration()
    strategy = wished.vm_rollout_strategy
    platforms = wished.architecture_configuration or ArchConfiguration()
    otherwise = DEFAULT_CONFIG
    return ClusterConfig(
        feature_gates=frozenset(developer.feature_gates),
        disabled_feature_gates=frozenset(developer.disabled_feature_gates),
        default_architecture=platforms.default_architecture or otherwise.default_architecture,
        machine_types=_machine_types(wished, platforms),
        emulated_machines=_emulated_machines(wished, platforms),
        default_network_interface=network.default_network_interface
        or otherwise.default_network_interface,
        permit_bridge_on_pod_network=network.permit_bridge_interface_on_pod_network is not False,
        cpu_model=wished.cpu_model,
        cpu_request=str(wished.cpu_request or otherwise.cpu_request),
        eviction_strategy=wished.eviction_strategy or otherwise.eviction_strategy,
        rollout_strategy=RolloutStrategy(strategy.value)
        if strategy
        else otherwise.rollout_strategy,
        max_hotplug_ratio=growth.max_hotplug_ratio or otherwise.max_hotplug_ratio,
        max_cpu_sockets=growth.max_cpu_sockets or 0,
        max_guest=str(growth.max_guest or ""),
    )


def _machine_types(wished: KubeVirtConfiguration, platforms: ArchConfiguration) -> dict[str, str]:
    """The deprecated field holds for every architecture, and goes first."""
    return {
        architecture: wished.machine_type or _own(platforms, architecture).machine_type or usual
        for architecture, usual in DEFAULT_CONFIG.machine_types.items()
    }


def _emulated_machines(
    wished: KubeVirtConfiguration, platforms: ArchConfiguration
) -> dict[str, tuple[str, ...]]:
    return {
        architecture: wished.emulated_machines
        or _own(platforms, architecture).emulated_machines
        or usual
        for architecture, usual in DEFAULT_CONFIG.emulated_machines.items()
    }


def _own(platforms: ArchConfiguration, architecture: str) -> ArchSpecificConfiguration:
    by_name = {
        "amd64": platforms.amd64,
        "arm64": platforms.arm64,
        "s390x": platforms.s390x,
    }
    return by_name[architecture] or ArchSpecificConfiguration()
