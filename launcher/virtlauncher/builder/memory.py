"""Guest memory: its size, where it comes from, and how far it may grow."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from virtcrds import ClusterConfig, Quantity

from ..errors import Refused
from .given import Given
from .options import Group, Json, KeyVal, Option, Scalar

RAM_ID = "pc.ram"
"""The name that QEMU's machines give their memory; migration looks for it."""
MEMFD = "kubevirt.io/memfd"

_MIB = 1 << 20


class Backend(StrEnum):
    """What holds the guest's memory; cannot change while the guest lives."""

    RAM = "ram"
    """Anonymous memory: it can have transparent huge pages and be merged."""
    MEMFD = "memfd"
    """Shared memory without a file, on request."""
    HUGE_2MI = "memfd-2Mi"
    HUGE_1GI = "memfd-1Gi"

    @property
    def page_size(self) -> int:
        """Bytes that the size must be a multiple of; 1 MiB is libvirt's rounding."""
        return {Backend.HUGE_2MI: 2 * _MIB, Backend.HUGE_1GI: 1 << 30}.get(self, _MIB)

    @property
    def qom_type(self) -> str:
        return "memory-backend-ram" if self is Backend.RAM else "memory-backend-memfd"

    @property
    def why(self) -> str:
        return {
            Backend.RAM: "The guest's memory",
            Backend.MEMFD: f"The guest's memory, shared: the annotation {MEMFD} asks for it",
        }.get(self, "The guest's memory, in huge pages that are taken at once")


def guest_memory(given: Given) -> int:
    """Bytes at boot: memory.guest, else what the pod asks for, else one huge page.

    Raises Refused when the VMI names no size.
    """
    if given.abi is not None:
        return given.abi.memory
    memory, resources, unit = given.domain.memory, given.domain.resources, backend(given).page_size
    amounts = (
        memory.guest if memory else None,
        resources.requests.get("memory"),
        resources.limits.get("memory"),
    )
    amount = next((amount.value for amount in amounts if amount), 0)
    if amount <= 0 and not _page_size(given):
        raise Refused("no memory requested", field="spec.domain.memory.guest")
    return _rounded_up(max(amount, 1), unit)


def max_memory(given: Given) -> int | None:
    """Bytes that the guest may grow to, or None when nobody asked for growth.

    A hotplug range costs a Linux guest 64 MiB of bounce buffers, so KubeVirt's default of four
    times the memory, which only Facts.staged rules out, is not taken for a wish.
    """
    memory = given.domain.memory
    if memory is None or memory.max_guest is None:
        return None
    size, most = guest_memory(given), memory.max_guest.value
    default = memory.guest.value * _default_ratio() if memory.guest else None
    if most <= size or (most == default and not given.facts.staged):
        return None
    return _rounded_up(most, backend(given).page_size)


def backend(given: Given) -> Backend:
    """Raises Refused for a page size that amd64 does not have."""
    if given.abi is not None:
        return Backend(given.abi.memory_backend)
    page_size = _page_size(given)
    if not page_size:
        return Backend.MEMFD if given.annotations.get(MEMFD) == "true" else Backend.RAM
    try:
        size = Quantity(page_size).value
    except ValueError:
        size = 0
    for huge in (Backend.HUGE_2MI, Backend.HUGE_1GI):
        if size == huge.page_size:
            return huge
    raise Refused(
        f"'{page_size}' is no size of huge pages on amd64: 2Mi or 1Gi",
        field="spec.domain.memory.hugepages.pageSize",
    )


def memory(given: Given) -> list[Option]:
    size, most, kind = guest_memory(given), max_memory(given), backend(given)
    values: dict[str, Scalar] = {"size": f"{size // _MIB}M"}
    why = "What the guest boots with"
    if most is not None:
        values |= {"slots": 0, "maxmem": f"{most // _MIB}M"}
        why += ", and what it may grow to: maxGuest asks for room"
    return [
        KeyVal("-m", values, Group.MEMORY, why),
        Json("-object", _object(kind, size), Group.MEMORY, kind.why),
        KeyVal("-machine", {"memory-backend": RAM_ID}, Group.MEMORY, "That memory is the RAM"),
    ]


def _object(kind: Backend, size: int) -> dict[str, Any]:
    tree: dict[str, Any] = {"qom-type": kind.qom_type, "id": RAM_ID, "size": size}
    if kind is not Backend.RAM:
        tree["share"] = True
    if kind in (Backend.HUGE_2MI, Backend.HUGE_1GI):
        # A huge page that is missing is found out now, not as a SIGBUS in the running guest.
        tree |= {"hugetlb": True, "hugetlbsize": kind.page_size, "prealloc": True}
    return tree


def _page_size(given: Given) -> str:
    memory = given.domain.memory
    return memory.hugepages.page_size if memory and memory.hugepages else ""


def _default_ratio() -> int:
    return ClusterConfig().max_hotplug_ratio


def _rounded_up(amount: int, unit: int) -> int:
    return -(-amount // unit) * unit
