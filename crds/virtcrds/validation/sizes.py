"""Rules about instance types and preferences, of a namespace or of the cluster."""

from __future__ import annotations

from collections.abc import Iterator

from ..groups.instancetype import InstancetypeSpec
from ..groups.preference import PreferenceSpec, PreferredCPUTopology, SpreadAcross
from ..violation import Violation
from .causes import invalid
from .path import Path
from .scheduling import label_violations
from .text import text_violations

_SPREAD = (PreferredCPUTopology.SPREAD, PreferredCPUTopology.PREFER_SPREAD)
_DEFAULT_RATIO = 2


def instancetype_violations(spec: InstancetypeSpec) -> Iterator[Violation]:
    field = Path("spec")
    memory, path = spec.memory, field / "memory"
    if memory.overcommit_percent and memory.hugepages is not None:
        percent = path / "overcommitPercent"
        yield invalid(
            percent, f"{percent} and {path / 'hugepages'} should not be requested together."
        )
    if memory.guest.value <= 0:
        guest = path / "guest"
        yield invalid(guest, f"{guest} '{memory.guest}' must be greater than 0")
    yield from label_violations(field / "nodeSelector", spec.node_selector)
    yield from text_violations(field, spec)


def preference_violations(spec: PreferenceSpec) -> Iterator[Violation]:
    field, cpu = Path("spec"), spec.cpu
    yield from text_violations(field, spec)
    if cpu is None or cpu.spread_options is None or cpu.preferred_cpu_topology not in _SPREAD:
        return
    ratio = cpu.spread_options.ratio or spec.prefer_spread_socket_to_core_ratio or _DEFAULT_RATIO
    if cpu.spread_options.across is SpreadAcross.CORES_THREADS and ratio != _DEFAULT_RATIO:
        yield invalid(
            field / "cpu" / "spreadOptions" / "ratio",
            "only a ratio of 2 (1 core 2 threads) is allowed "
            "when spreading vCPUs over cores and threads",
        )
