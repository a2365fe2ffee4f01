"""Memory: what the pod asks for, what the guest gets, and what it may grow to."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig, RolloutStrategy
from ..core.domain import DomainSpec
from ..core.vmi import VirtualMachineInstanceSpec
from ..defaulting.hotplug import memory_hotplug_complaint
from ..quantity import Quantity
from ..violation import Violation
from .causes import invalid, required
from .path import Path

MIN_MEMORY = Quantity("1M")
"""Less than this is bytes written where mebibytes were meant."""
MAX_MEMORY = Quantity("4Pi")
"""Ours: the address space of an amd64 CPU."""


def memory_requests(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    # A request of zero is no request.
    if request := spec.domain.resources.requests.get("memory"):
        yield from _amount(field / "domain" / "resources" / "requests" / "memory", request)


def memory_limits(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    resources = field / "domain" / "resources"
    request = spec.domain.resources.requests.get("memory")
    limit = spec.domain.resources.limits.get("memory")
    if limit is not None and limit.value < 0:
        path = resources / "limits" / "memory"
        yield invalid(path, f"{path} '{limit}': must be greater than or equal to 0.")
    if request is not None and limit is not None and request > limit > Quantity(0):
        path = resources / "requests" / "memory"
        yield invalid(
            path, f"{path} '{request}' is greater than {resources}.limits.memory '{limit}'"
        )


def hugepages(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    """The guest's memory is whole pages. KubeVirt calls the field `domain.hugepages.size`."""
    if spec.domain.memory is None or spec.domain.memory.hugepages is None:
        return
    path = field / "domain" / "hugepages" / "size"
    text = spec.domain.memory.hugepages.page_size
    try:
        page = Quantity(text)
    except ValueError as error:
        yield invalid(path, f"{path} '{text}': {error}")
        return
    if page.value <= 0:
        yield invalid(path, f"{path} '{text}': must be greater than 0.")
    elif (memory := _guest_memory(field, spec.domain)) is not None:
        yield from _whole_pages(*memory, path, page)


def guest_memory(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    memory, resources = spec.domain.memory, spec.domain.resources
    limit = resources.limits.get("memory")
    if memory is None or memory.guest is None:
        return
    path = field / "domain" / "memory" / "guest"
    if memory.guest != resources.requests.get("memory"):
        # A guest that is sized by the request shares that field's complaint.
        yield from _amount(path, memory.guest)
    if memory.guest > MAX_MEMORY:
        yield invalid(path, f"{path} '{memory.guest}': must be less than or equal to {MAX_MEMORY}.")
    if (
        config.rollout_strategy is not RolloutStrategy.LIVE_UPDATE
        and limit
        and limit < memory.guest
    ):
        yield invalid(
            path,
            f"{path} '{memory.guest}' must be equal to or less than the memory limit "
            f"{field}.domain.resources.limits.memory '{limit}'",
        )


def guest_memory_given(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    """For running VMs only: a template may leave its memory to an instance type."""
    memory = spec.domain.memory
    if spec.domain.resources.requests.get("memory") or (
        memory is not None and (memory.guest is not None or memory.hugepages is not None)
    ):
        return
    domain = field / "domain"
    yield required(
        domain / "memory" / "guest",
        f"no memory requested, at least one of '{domain}.memory.guest', "
        f"'{domain}.memory.hugepages.pageSize' or '{domain}.resources.requests.memory' must be set",
    )


def max_guest(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    memory = spec.domain.memory
    if memory is not None and memory.max_guest is not None:
        complaint = memory_hotplug_complaint(spec, memory.max_guest)
        if complaint:
            yield invalid(field / "domain" / "memory" / "guest", complaint)


def _amount(path: Path, amount: Quantity) -> Iterator[Violation]:
    if amount.value < 0:
        yield invalid(path, f"{path} '{amount}': must be greater than or equal to 0.")
    elif amount < MIN_MEMORY:
        yield invalid(path, f"{path} '{amount}': must be greater than or equal to 1M.")


def _guest_memory(field: Path, domain: DomainSpec) -> tuple[Path, Quantity] | None:
    if request := domain.resources.requests.get("memory"):
        return field / "domain" / "resources" / "requests" / "memory", request
    if domain.memory is not None and domain.memory.guest is not None:
        return field / "domain" / "memory" / "guest", domain.memory.guest
    return None


def _whole_pages(
    path: Path, memory: Quantity, page_path: Path, page: Quantity
) -> Iterator[Violation]:
    if memory < page:
        yield invalid(
            path,
            f"{path} '{memory}' must be equal to or larger than page size {page_path} '{page}'",
        )
    elif memory.value % page.value:
        yield invalid(
            path, f"{path} '{memory}' is not a multiple of the page size {page_path} '{page}'"
        )
