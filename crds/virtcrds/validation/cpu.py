"""CPUs: what the pod asks for, the topology the guest sees, flags and hotplug."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.cpu import CPU
from ..core.vmi import VirtualMachineInstanceSpec
from ..quantity import Quantity
from ..violation import Violation
from .causes import invalid, not_supported
from .path import Path

_POLICIES = ("", "force", "require", "optional", "disable", "forbid")


def vcpus(cpu: CPU) -> int:
    """How many vCPUs the topology makes; a count of zero leaves that level to the others."""
    counts = [count for count in (cpu.sockets, cpu.cores, cpu.threads) if count]
    product = 1 if counts else 0
    for count in counts:
        product *= count
    return product


def cpu_resources(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    resources = field / "domain" / "resources"
    request = spec.domain.resources.requests.get("cpu")
    limit = spec.domain.resources.limits.get("cpu")
    for path, amount in ((resources / "requests", request), (resources / "limits", limit)):
        yield from _amount(path / "cpu", amount, config.max_vcpus)
    if request is not None and limit is not None and request > limit > Quantity(0):
        path = resources / "requests" / "cpu"
        yield invalid(path, f"{path} '{request}' is greater than {resources}.limits.cpu '{limit}'")


def cpu_topology(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    cpu, path = spec.domain.cpu, field / "domain" / "cpu"
    if cpu is None:
        return
    if (count := vcpus(cpu)) > config.max_vcpus and not _asks_too_much(spec, config):
        yield invalid(path, f"{path} has {count} vCPUs, more than the {config.max_vcpus} possible")
    if cpu.max_sockets and cpu.sockets > cpu.max_sockets:
        yield invalid(
            path / "sockets",
            "Number of sockets in CPU topology is greater than the maximum sockets allowed",
        )
    if spec.architecture == "arm64" and cpu.threads > 1:
        yield invalid(
            field / "architecture",
            f"threads must not be greater than 1 at {path}.threads (got {cpu.threads}) "
            f"when {field}.architecture is arm64",
        )


def cpu_features(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    if spec.domain.cpu is None:
        return
    for index, feature in enumerate(spec.domain.cpu.features):
        if feature.policy not in _POLICIES:
            yield not_supported(
                (field / "domain" / "cpu" / "features").at(index) / "policy",
                f"CPU feature {feature.name} uses policy {feature.policy} that is not supported.",
            )


def _amount(path: Path, amount: Quantity | None, most: int) -> Iterator[Violation]:
    if amount is None:
        return
    if amount.milli < 0:
        yield invalid(path, f"{path} '{amount}': must be greater than or equal to 0.")
    elif amount > Quantity(most):
        yield invalid(path, f"{path} '{amount}': must be less than or equal to {most}.")


def _asks_too_much(spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> bool:
    # A topology that was made from an excessive request shares that field's complaint.
    resources = spec.domain.resources
    amounts = (resources.requests.get("cpu"), resources.limits.get("cpu"))
    return any(amount is not None and amount > Quantity(config.max_vcpus) for amount in amounts)
