"""Limits that a namespace's quotas make every pod carry. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

RATIO_LABEL = "alpha.kubevirt.io/auto-memory-limits-ratio"
"""On a namespace: the memory limit of its VMs' pods as a multiple of what they ask for."""
_RATIO = 2.0
Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quota:
    """What a pod must limit, when its VM does not."""

    cpu: bool = False
    memory: bool = False
    memory_ratio: float = _RATIO


def quota_of(quotas: Iterable[Json], namespace_labels: Json) -> Quota:
    """From the ResourceQuotas of a namespace and its labels; a ratio below 1 counts for none."""
    hard = {name for quota in quotas for name in (quota.get("spec") or {}).get("hard") or ()}
    try:
        ratio = float(namespace_labels.get(RATIO_LABEL, _RATIO))
    except ValueError:
        ratio = _RATIO
    return Quota(
        cpu="limits.cpu" in hard,
        memory="limits.memory" in hard,
        memory_ratio=ratio if ratio >= 1 else _RATIO,
    )
