"""Who is looked at again when something has changed."""

from __future__ import annotations

import pytest

from tests.unit.virtoperator_controller.objects import (
    Json,
    make_pod,
    make_vm,
    make_vmi,
    vm_instance,
)
from tests.unit.virtoperator_controller.world import Marks
from virtoperator.controller.routing import Router
from virtoperator.controller.stores import Stores
from virtoperator.kinds import NODE, POD, PVC, REPLICASET, VM, VMI, Kind
from virtoperator.store import Key

ONE = Key("default", "one")
THE_VM, THE_VMI = ("VirtualMachine", "default/one"), ("VirtualMachineInstance", "default/one")


class Setting:
    def __init__(self) -> None:
        self.stores = Stores()
        self.marks = {kind: Marks() for kind in (VM, VMI, REPLICASET, NODE)}
        self.router = Router(self.stores, self.marks)

    def marked(self) -> set[tuple[str, str]]:
        found = {(kind.kind, str(key)) for kind in self.marks for key in self.marks[kind].keys}
        for marks in self.marks.values():
            marks.keys.clear()
        return found


def node() -> Json:
    return {"metadata": {"name": "node-a", "uid": "n"}}


def claim() -> Json:
    return {"metadata": {"name": "data", "namespace": "default", "uid": "c"}}


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (VM, make_vm(), {THE_VM, THE_VMI}),
        (VMI, vm_instance("Running"), {THE_VM, THE_VMI}),
        (PVC, claim(), {THE_VMI}),
        (NODE, node(), {THE_VMI, ("Node", "node-a")}),
    ],
)
def test_who_is_concerned(kind: Kind, body: Json, expected: set[tuple[str, str]]) -> None:
    here = Setting()
    vmi = make_vmi("Running")
    volume = {"name": "x", "persistentVolumeClaim": {"claimName": "data"}}
    vmi["spec"]["volumes"].append(volume)
    here.stores.vmis.put(vmi)
    here.stores.vms.put(make_vm())
    here.router.changed(kind, body)
    assert here.marked() == expected


def test_a_pod_concerns_the_vmi_that_it_was_made_for_and_no_later_one() -> None:
    here = Setting()
    pod = make_pod()
    pod["metadata"]["ownerReferences"][0].update(kind="VirtualMachineInstance", name="one")
    here.router.changed(POD, pod)
    assert here.marked() == set()
    here.stores.vmis.put(make_vmi("Running"))
    here.router.changed(POD, pod)
    assert here.marked() == {THE_VMI}


def test_a_vmi_without_an_owner_concerns_the_replica_sets_beside_it() -> None:
    here = Setting()
    for namespace in ("default", "elsewhere"):
        meta = {"name": "rs", "namespace": namespace, "uid": namespace}
        here.stores.replicasets.put({"metadata": meta})
    here.router.changed(VMI, make_vmi())
    assert ("VirtualMachineInstanceReplicaSet", "default/rs") in here.marked()
    here.router.changed(VMI, vm_instance("Running"))
    assert not [kind for kind, _ in here.marked() if kind.endswith("ReplicaSet")]


def test_a_new_leader_looks_at_everything_and_a_new_configuration_at_what_waits() -> None:
    here = Setting()
    here.stores.vmis.put(make_vmi("Running"))
    here.stores.nodes.put(node())
    here.router.everything()
    assert here.marked() == {THE_VMI, ("Node", "node-a")}
    here.router.configured()
    assert here.marked() == set()
    waiting = make_vmi("Pending")
    waiting["metadata"]["resourceVersion"] = "2"
    here.stores.vmis.put(waiting)
    here.router.configured()
    assert here.marked() == {THE_VMI}


def test_a_malformed_vmi_is_kept_like_any_other() -> None:
    here = Setting()
    broken = make_vmi()
    broken["spec"] = {"volumes": [7]}
    here.stores.vmis.put(broken)
    assert here.stores.vmis.get(ONE) == broken
