"""Which VMs of a pool go first: when it shrinks, and when they are brought up to date. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from ... import conditions
from ..selectors import holds, takes
from ..trees import at, labels_of, meta, name_of
from .member import number_of
from .observed import Observed

Json = dict[str, Any]
_Rank = Callable[[Json], Any]


def in_order(seen: Observed, vms: Sequence[Json], policy: Json) -> list[Json]:
    """`vms` by a selectionPolicy: those that its selectors take, then the others."""
    rank = _ranking(seen.pool, policy.get("sortPolicy") or "Random")
    selectors = policy.get("selectors") or {}
    return sorted(vms, key=lambda vm: (not _selected(seen, vm, selectors), rank(vm)))


def _ranking(pool: Json, policy: str) -> _Rank:
    match policy:
        case "AscendingOrder":
            return lambda vm: number_of(pool, vm)
        case "DescendingOrder":
            return lambda vm: -number_of(pool, vm)
        case "Newest":
            return lambda vm: -_born(vm)
        case "Oldest":
            return _born
        case _:
            return _lot


def _born(vm: Json) -> float:
    return conditions.parsed(meta(vm)["creationTimestamp"]).timestamp()


def _lot(vm: Json) -> str:
    """As random as UIDs are, and the same for whoever looks."""
    return hashlib.sha256(str(meta(vm)["uid"]).encode()).hexdigest()


def _selected(seen: Observed, vm: Json, selectors: Json) -> bool:
    if not selectors:
        return False
    label_selector = selectors.get("labelSelector")
    if label_selector is not None and not takes(label_selector, labels_of(vm)):
        return False
    rules = selectors.get("nodeSelectorRequirementMatcher") or ()
    node = at(seen.vmis.get(name_of(vm)), "status", "nodeName")
    labels = labels_of(seen.nodes[node]) if node in seen.nodes else {}
    return all(node in seen.nodes and holds(rule, labels) for rule in rules)
