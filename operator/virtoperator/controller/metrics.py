"""Prometheus metrics of virt-controller, under KubeVirt's names."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from .. import conditions
from ..store import Key
from .stores import Stores
from .trees import annotations_of, at, meta, uid_of
from .vmi.phases import phase_of

_BUCKETS = (
    *(0.5, 1, 2, 5, 10, 20, 30, 40, 50, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600),
    float("inf"),
)
_TRANSITION = "kubevirt_vmi_phase_transition_time"
_GROUPS = {
    "starting": ("Provisioning", "Starting", "WaitingForVolumeBinding"),
    "running": ("Running",),
    "migrating": ("Migrating",),
    "non_running": ("Stopped", "Paused", "Stopping", "Terminating"),
}
Json = dict[str, Any]


class ControllerMetrics:
    """What happens while we lead, counted."""

    def __init__(self, registry: CollectorRegistry, stores: Stores) -> None:
        self.leading = Gauge(
            "kubevirt_virt_controller_leading_status", "1 while it leads", registry=registry
        )
        self.ready = Gauge(
            "kubevirt_virt_controller_ready_status", "1 once it has seen all", registry=registry
        )
        self._failing = Gauge(
            "kubemu_reconcile_failures",
            "How often in a row an object could not be brought on",
            ["kind", "namespace", "name"],
            registry=registry,
        )
        self._between = Histogram(
            f"{_TRANSITION}_seconds",
            "Time from one phase to the next",
            ["phase", "last_phase"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._from_creation = Histogram(
            f"{_TRANSITION}_from_creation_seconds",
            "Time from the creation to a phase",
            ["phase"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._from_deletion = Histogram(
            f"{_TRANSITION}_from_deletion_seconds",
            "Time from the wish to delete to a final phase",
            ["phase"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._phases: dict[str, str] = {}
        self._stores = stores
        registry.register(_Infos(stores))

    def failures(self, kind: str, key: Key, count: int) -> None:
        """driving.Driver's news; an object that is well has no sample."""
        if count:
            self._failing.labels(kind, *key).set(count)
        else:
            with contextlib.suppress(KeyError):
                self._failing.remove(kind, *key)

    def saw(self, vmi: Json) -> None:
        """A VMI has changed: is it in another phase?"""
        uid, phase = uid_of(vmi), str(phase_of(vmi))
        last = self._phases.get(uid)
        self._phases[uid] = phase
        if last is not None and last != phase and phase:
            self._count(vmi, phase, last)

    def forgot(self, vmi: Json) -> None:
        """A VMI has gone."""
        self._phases.pop(uid_of(vmi), None)

    def _count(self, vmi: Json, phase: str, last: str) -> None:
        entered = {
            one["phase"]: conditions.parsed(one["phaseTransitionTimestamp"])
            for one in at(vmi, "status", "phaseTransitionTimestamps") or ()
            if one.get("phaseTransitionTimestamp")
        }
        now = entered.get(phase)
        if now is None:
            return
        if before := entered.get(last):
            self._between.labels(phase, last).observe(_seconds(before, now))
        created = conditions.parsed(meta(vmi)["creationTimestamp"])
        self._from_creation.labels(phase).observe(_seconds(created, now))
        if asked := meta(vmi).get("deletionTimestamp"):
            self._from_deletion.labels(phase).observe(_seconds(conditions.parsed(asked), now))


def _seconds(since: datetime.datetime, until: datetime.datetime) -> float:
    return max((until - since).total_seconds(), 0.0)


class _Infos(Collector):
    """What there is, read from the stores when somebody asks."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def collect(self) -> Iterable[Metric]:
        yield self._vmis()
        yield self._vms()

    def _vmis(self) -> Metric:
        labels = ["node", "namespace", "name", "phase", "os", "workload", "flavor"]
        family = GaugeMetricFamily("kubevirt_vmi_info", "1 for each VMI", labels=labels)
        for vmi in _bodies(self._stores.vmis.get(key) for key in self._stores.vmis):
            family.add_metric(
                [
                    str(at(vmi, "status", "nodeName") or ""),
                    meta(vmi)["namespace"],
                    meta(vmi)["name"],
                    str(phase_of(vmi)).lower(),
                    *_kind_of_guest(vmi),
                ],
                1,
            )
        return family

    def _vms(self) -> Metric:
        labels = ["namespace", "name", "status", "status_group"]
        family = GaugeMetricFamily("kubevirt_vm_info", "1 for each VM", labels=labels)
        for vm in _bodies(self._stores.vms.get(key) for key in self._stores.vms):
            status = str(at(vm, "status", "printableStatus") or "Stopped")
            group = next((name for name, words in _GROUPS.items() if status in words), "error")
            place = [meta(vm)["namespace"], meta(vm)["name"]]
            family.add_metric([*place, status.lower(), group], 1)
        return family


def _bodies(found: Iterable[Json | None]) -> Iterator[Json]:
    return (body for body in found if body is not None)


def _kind_of_guest(vmi: Json) -> list[str]:
    annotations = annotations_of(vmi)
    return [annotations.get(f"vm.kubevirt.io/{key}", "") for key in ("os", "workload", "flavor")]
