"""When a VM starts, is drained, and is given up: strategies, grace period, probes."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.probes import Probe
from ..core.vmi import VirtualMachineInstanceSpec
from ..violation import Violation
from .causes import invalid, required
from .path import Path

EVICTION_STRATEGIES = ("None", "LiveMigrate", "LiveMigrateIfPossible", "External")


def start_strategy(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    path = field / "startStrategy"
    if spec.start_strategy is None:
        return
    if spec.start_strategy != "Paused":
        yield invalid(path, f"{path} is set with an unrecognized option: {spec.start_strategy}")
    elif spec.liveness_probe is not None:
        yield invalid(
            path,
            f"either {path} or {field}.livenessProbe should be provided."
            "Pausing VMI with LivenessProbe is not supported",
        )


def eviction_strategy(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    strategy = spec.eviction_strategy
    if strategy is not None and strategy not in EVICTION_STRATEGIES:
        path = field / "evictionStrategy"
        yield invalid(path, f"{path} is set with an unrecognized option: {strategy}")


def reboot_policy(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    if spec.domain.reboot_policy is not None and not config.enabled("RebootPolicy"):
        yield invalid(
            field / "domain" / "rebootPolicy",
            "RebootPolicy feature gate is not enabled in kubevirt-config",
        )


def grace_period(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    seconds = spec.termination_grace_period_seconds
    if seconds is not None and seconds < 0:
        path = field / "terminationGracePeriodSeconds"
        yield invalid(path, f"{path} '{seconds}': must be greater than or equal to 0.")


def probes(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    has_pod_network = any(network.pod is not None for network in spec.networks)
    for name, probe in (
        ("readinessProbe", spec.readiness_probe),
        ("livenessProbe", spec.liveness_probe),
    ):
        if probe is not None:
            yield from _handlers(field / name, probe)
            if not has_pod_network:
                yield from _needs_pod_network(field / name, probe)


def _handlers(path: Path, probe: Probe) -> Iterator[Violation]:
    handlers = (probe.http_get, probe.tcp_socket, probe.exec, probe.guest_agent_ping)
    count = sum(handler is not None for handler in handlers)
    if count > 1:
        yield invalid(path, f"{path} must have exactly one probe type set")
    elif count < 1:
        yield required(
            path,
            f"either {path}.tcpSocket, {path}.exec or {path}.httpGet must be set "
            f"if a {path} is specified",
        )


def _needs_pod_network(path: Path, probe: Probe) -> Iterator[Violation]:
    for name, handler in (("httpGet", probe.http_get), ("tcpSocket", probe.tcp_socket)):
        if handler is not None:
            yield invalid(
                path / name, f"{path}.{name} is only allowed if the Pod Network is attached"
            )
