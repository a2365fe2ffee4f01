"""What Prometheus is told."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from tests.unit.virtoperator_controller.objects import Json, later, make_vm, make_vmi, stamp
from virtoperator.controller.metrics import ControllerMetrics
from virtoperator.controller.stores import Stores
from virtoperator.store import Key


def phase(name: str, seconds: float) -> Json:
    return {"phase": name, "phaseTransitionTimestamp": stamp(later(seconds))}


def test_the_time_between_phases_is_counted_once() -> None:
    registry = CollectorRegistry()
    metrics = ControllerMetrics(registry, Stores())
    pending, scheduling = phase("Pending", 0), phase("Scheduling", 4)
    metrics.saw(make_vmi("Pending", phaseTransitionTimestamps=[pending]))
    for _ in range(2):
        metrics.saw(make_vmi("Scheduling", phaseTransitionTimestamps=[pending, scheduling]))
    between = {"phase": "Scheduling", "last_phase": "Pending"}
    name = "kubevirt_vmi_phase_transition_time"
    assert registry.get_sample_value(f"{name}_seconds_count", between) == 1
    assert registry.get_sample_value(f"{name}_seconds_sum", between) == 4
    since = {"phase": "Scheduling"}
    assert registry.get_sample_value(f"{name}_from_creation_seconds_sum", since) == 4


def test_the_time_of_a_deletion_is_counted_from_the_wish() -> None:
    registry = CollectorRegistry()
    metrics = ControllerMetrics(registry, Stores())
    metrics.saw(make_vmi("Running", deleting=True))
    ended = make_vmi("Succeeded", deleting=True, phaseTransitionTimestamps=[phase("Succeeded", 7)])
    metrics.saw(ended)
    name = "kubevirt_vmi_phase_transition_time_from_deletion_seconds_sum"
    assert registry.get_sample_value(name, {"phase": "Succeeded"}) == 7


def test_what_there_is_is_read_when_somebody_asks() -> None:
    registry = CollectorRegistry()
    stores = Stores()
    ControllerMetrics(registry, stores)
    stores.vmis.put(make_vmi("Running"))
    stores.vms.put(make_vm(printableStatus="CrashLoopBackOff"))
    place = {"namespace": "default", "name": "one"}
    guest = {"os": "", "workload": "", "flavor": ""}
    vmi = {**place, **guest, "node": "node-a", "phase": "running"}
    assert registry.get_sample_value("kubevirt_vmi_info", vmi) == 1
    vm = {**place, "status": "crashloopbackoff", "status_group": "error"}
    assert registry.get_sample_value("kubevirt_vm_info", vm) == 1


def test_an_object_that_cannot_be_brought_on_is_named_until_it_can() -> None:
    registry = CollectorRegistry()
    metrics = ControllerMetrics(registry, Stores())
    labels = {"kind": "VirtualMachine", "namespace": "default", "name": "one"}
    key = Key("default", "one")
    metrics.failures("VirtualMachine", key, 2)
    assert registry.get_sample_value("kubemu_reconcile_failures", labels) == 2
    for _ in range(2):
        metrics.failures("VirtualMachine", key, 0)
        assert registry.get_sample_value("kubemu_reconcile_failures", labels) is None
