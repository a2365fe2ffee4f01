"""`kubevirt_vmi_*`: what each VM of this node uses, asked of its launcher when somebody scrapes.

Names, labels and units are KubeVirt's. What is not known has no series.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from virtcrds import Quantity
from virtlauncher.errors import LauncherError

from ..store import Store, key_of
from .errors import HandlerError
from .guest import Filesystem
from .launchers import Launchers
from .pods import own_pod

Json = dict[str, Any]
PREFIX = "kubevirt_vmi_"
_WITHIN = 10.0
"""Seconds for all launchers to answer."""
_NANO = 1e-9
_BALLOON = {
    "memory_actual_balloon_bytes": "actual",
    "memory_available_bytes": "stat-total-memory",
    "memory_unused_bytes": "stat-free-memory",
    "memory_usable_bytes": "stat-available-memory",
    "memory_cached_bytes": "stat-disk-caches",
    "memory_swap_in_traffic_bytes": "stat-swap-in",
    "memory_swap_out_traffic_bytes": "stat-swap-out",
    "memory_pgmajfault_total": "stat-major-faults",
    "memory_pgminfault_total": "stat-minor-faults",
}
_BLOCKS = {
    "storage_read_traffic_bytes_total": ("rd_bytes", 1.0),
    "storage_write_traffic_bytes_total": ("wr_bytes", 1.0),
    "storage_iops_read_total": ("rd_operations", 1.0),
    "storage_iops_write_total": ("wr_operations", 1.0),
    "storage_flush_requests_total": ("flush_operations", 1.0),
    "storage_read_times_seconds_total": ("rd_total_time_ns", _NANO),
    "storage_write_times_seconds_total": ("wr_total_time_ns", _NANO),
    "storage_flush_times_seconds_total": ("flush_total_time_ns", _NANO),
}
_NICS = {
    "network_receive_bytes_total": "rx_bytes",
    "network_transmit_bytes_total": "tx_bytes",
    "network_receive_packets_total": "rx_packets",
    "network_transmit_packets_total": "tx_packets",
    "network_receive_errors_total": "rx_errors",
    "network_transmit_errors_total": "tx_errors",
    "network_receive_packets_dropped_total": "rx_dropped",
    "network_transmit_packets_dropped_total": "tx_dropped",
}

_log = logging.getLogger("virtoperator.handler")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """One number of one VM."""

    name: str
    value: float
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)


class VmiMetrics(Collector):
    """Samples of the last `refresh`."""

    def __init__(
        self,
        registry: CollectorRegistry,
        node: str,
        store: Store,
        launchers: Launchers,
    ) -> None:
        self._node = node
        self._store = store
        self._launchers = launchers
        self._metrics: list[Metric] = []
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        return self._metrics

    async def refresh(self) -> None:
        """Ask every launcher, at the same time; one that does not answer has no series."""
        vmis = [vmi for key in self._store if (vmi := self._store.get(key))]
        found = await asyncio.gather(*[self._ask(vmi) for vmi in vmis])
        self._metrics = families(
            (self._labels(vmi), samples) for vmi, samples in zip(vmis, found, strict=True)
        )

    async def _ask(self, vmi: Json) -> list[Sample]:
        link = self._launchers.find(own_pod(vmi, self._node))
        if link is None or not link.seen.machine.name.has_run:
            return []
        try:
            async with asyncio.timeout(_WITHIN):
                stats = await link.call("stats")
        except (HandlerError, LauncherError, TimeoutError) as error:
            _log.info("no statistics of %s: %s", key_of(vmi), error)
            return []
        filesystems = link.seen.guest.filesystems if link.seen.guest else ()
        return [*samples_of(stats), *_of_filesystems(filesystems), *_of_machine(vmi)]

    def _labels(self, vmi: Json) -> dict[str, str]:
        meta = vmi["metadata"]
        own = {"node": self._node, "namespace": meta["namespace"], "name": meta["name"]}
        return own | {
            "kubernetes_vmi_label_" + re.sub(r"[^A-Za-z0-9_]", "_", key): value
            for key, value in (meta.get("labels") or {}).items()
        }


def families(found: Iterable[tuple[Mapping[str, str], Iterable[Sample]]]) -> list[Metric]:
    """Samples of several VMs, by metric; each VM's have its labels."""
    metrics: dict[str, Metric] = {}
    for labels, samples in found:
        for one in samples:
            kind = "counter" if one.name.endswith("_total") else "gauge"
            name = PREFIX + one.name
            family = metrics.setdefault(name, Metric(name.removesuffix("_total"), name, kind))
            family.add_sample(name, {**labels, **one.labels}, one.value)
    return list(metrics.values())


def samples_of(stats: Mapping[str, Any]) -> list[Sample]:
    """The samples in the launcher's `stats` (virtlauncher.wire)."""
    return [
        *_of_cpu(_tree(stats, "cpu")),
        *_of_memory(_tree(stats, "memory"), _tree(stats, "balloon")),
        *_of_blocks(_tree(stats, "blocks")),
        *_of_nics(_tree(stats, "nics")),
    ]


def _of_cpu(cpu: Mapping[str, Any]) -> Iterator[Sample]:
    for name, key in (
        ("cpu_usage_seconds_total", "seconds"),
        ("cpu_user_usage_seconds_total", "user_seconds"),
        ("cpu_system_usage_seconds_total", "system_seconds"),
    ):
        yield from _sample(name, cpu.get(key))
    vcpus = cpu.get("vcpus")
    for number, seconds in enumerate(vcpus if isinstance(vcpus, list) else ()):
        labels = {"id": str(number), "state": "running"}
        yield from _sample("vcpu_seconds_total", seconds, labels)


def _of_memory(memory: Mapping[str, Any], balloon: Mapping[str, Any]) -> Iterator[Sample]:
    yield from _sample("memory_resident_bytes", memory.get("rss"))
    for name, key in _BALLOON.items():
        yield from _sample(name, balloon.get(key))


def _of_blocks(blocks: Mapping[str, Any]) -> Iterator[Sample]:
    for volume, counters in blocks.items():
        for name, (key, unit) in _BLOCKS.items():
            value = counters.get(key) if isinstance(counters, Mapping) else None
            yield from _sample(name, value, {"drive": volume}, unit)


def _of_nics(nics: Mapping[str, Any]) -> Iterator[Sample]:
    for interface, counters in nics.items():
        if not isinstance(counters, Mapping):
            continue
        for name, key in _NICS.items():
            yield from _sample(name, counters.get(key), {"interface": interface})
        for direction in ("rx", "tx"):
            labels = {"interface": interface, "type": direction}
            value = counters.get(f"{direction}_bytes")
            yield from _sample("network_traffic_bytes_total", value, labels)


def _of_filesystems(filesystems: Iterable[Filesystem]) -> Iterator[Sample]:
    for one in filesystems:
        labels = {
            "disk_name": one.name,
            "mount_point": one.mount_point,
            "file_system_type": one.kind,
        }
        yield from _sample("filesystem_capacity_bytes", one.total, labels)
        yield from _sample("filesystem_used_bytes", one.used, labels)


def _of_machine(vmi: Json) -> Iterator[Sample]:
    current = (vmi["status"].get("memory") or {}).get("guestCurrent")
    if current:
        yield from _sample("memory_domain_bytes", int(Quantity(current).value))


def _sample(
    name: str, value: Any, labels: Mapping[str, str] | None = None, unit: float = 1.0
) -> Iterator[Sample]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield Sample(name=name, value=value * unit, labels=labels or {})


def _tree(tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = tree.get(key)
    return value if isinstance(value, Mapping) else {}
