"""Actions against an API server: in order, with preconditions, and what refusals lead to."""

from __future__ import annotations

import pytest

from tests.unit.virtoperator_controller.apiserver import Api, MemoryKube
from tests.unit.virtoperator_controller.objects import Json, make_pod, make_vm, make_vmi
from virtoperator.controller.actions import Again, Change, Create, Delete, Tell, Tone
from virtoperator.controller.driving import Driver
from virtoperator.controller.performing import Performer, Refused
from virtoperator.controller.stores import Stores
from virtoperator.controller.vm.observing import VmReconciler
from virtoperator.kinds import POD, VM, VMI, Kind
from virtoperator.kube import Conflict, Forbidden
from virtoperator.settings import Settings
from virtoperator.store import Key


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, str]] = []

    def normal(self, about: Json, reason: str, note: str) -> None:
        self.said.append(("Normal", reason, note))

    def warning(self, about: Json, reason: str, note: str) -> None:
        self.said.append(("Warning", reason, note))


class Setting:
    """A performer, its API server, and what it took in and told."""

    def __init__(self, kube: MemoryKube | None = None) -> None:
        self.kube = kube or MemoryKube(Api())
        self.api = self.kube.api
        self.told = Told()
        self.taken: list[tuple[Kind, Json]] = []
        self.performer = Performer(
            self.kube, self.told, lambda kind, body: self.taken.append((kind, body))
        )


POD_TOLD = Tell(about=make_vmi(), reason="SuccessfulCreate", message="made")
POD_FAILED = Tell(about=make_vmi(), reason="FailedCreate", message="Error: ", tone=Tone.WARNING)
CREATE = Create(kind=POD, body=make_pod(), told=POD_TOLD, failed=POD_FAILED)


async def test_what_is_made_is_told_and_known_at_once() -> None:
    here = Setting()
    assert await here.performer.perform([CREATE, Again(seconds=9), Again(seconds=5)]) == 5
    assert here.told.said == [("Normal", "SuccessfulCreate", "made")]
    ((kind, body),) = here.taken
    assert (kind, body["metadata"]["resourceVersion"]) == (POD, "2")


async def test_one_that_is_there_already_and_ours_is_as_good_and_no_news() -> None:
    here = Setting()
    here.api.create(POD, make_pod())
    await here.performer.perform([CREATE])
    assert here.told.said == []
    assert len(here.taken) == 1


async def test_one_that_is_there_and_somebody_elses_is_a_refusal() -> None:
    here = Setting()
    stranger = make_pod()
    stranger["metadata"]["ownerReferences"] = []
    here.api.create(POD, stranger)
    with pytest.raises(Refused, match="belongs to somebody else"):
        await here.performer.perform([CREATE, POD_TOLD])
    assert [reason for _, reason, _ in here.told.said] == ["FailedCreate"]


async def test_a_second_change_of_the_same_object_builds_on_the_first() -> None:
    here = Setting()
    vm = here.api.create(VM, make_vm())
    changes = [
        Change(
            kind=VM,
            namespace="default",
            name="one",
            patch=patch,
            version=vm["metadata"]["resourceVersion"],
        )
        for patch in ({"spec": {"running": True}}, {"status": {"created": True}})
    ]
    await here.performer.perform(changes)
    stored = here.api.get(VM, "one")
    assert stored is not None
    assert (stored["spec"]["running"], stored["status"]["created"]) == (True, True)


async def test_a_change_of_what_has_changed_since_is_a_conflict() -> None:
    here = Setting()
    here.api.create(VM, make_vm())
    stale = Change(kind=VM, namespace="default", name="one", patch={"x": {"y": 1}}, version="0")
    with pytest.raises(Conflict):
        await here.performer.perform([stale, POD_TOLD])
    assert here.told.said == []


async def test_a_change_of_what_has_gone_is_no_error() -> None:
    gone = Change(kind=VM, namespace="default", name="one", patch={"x": {"y": 1}})
    assert await Setting().performer.perform([gone]) is None


async def test_a_deletion_meant_for_another_is_not_done() -> None:
    here = Setting()
    here.api.create(POD, make_pod())
    await here.performer.perform([Delete(kind=POD, namespace="default", name="x", uid="u")])
    name = make_pod()["metadata"]["name"]
    await here.performer.perform([Delete(kind=POD, namespace="default", name=name, uid="older")])
    found = here.api.get(POD, name)
    assert found is not None
    assert "deletionTimestamp" not in found["metadata"]


async def test_a_deletion_that_takes_its_time_is_known_at_once() -> None:
    here = Setting()
    made = here.api.create(POD, make_pod())
    meta = made["metadata"]
    delete = Delete(kind=POD, namespace="default", name=meta["name"], uid=meta["uid"])
    await here.performer.perform([delete])
    ((_, body),) = here.taken
    assert "deletionTimestamp" in body["metadata"]


class _Quota(MemoryKube):
    """A server that has no room for another VMI."""

    async def create(self, kind: Kind, body: Json, subresource: str = "") -> Json:
        if kind is VMI:
            raise Forbidden(403, "Forbidden", "exceeded quota: vms")
        return await super().create(kind, body, subresource)


async def test_a_refusal_is_said_on_the_object_and_tried_again_after_growing_pauses() -> None:
    here = Setting(_Quota(Api()))
    here.api.create(VM, make_vm())
    stores = Stores()

    def settings() -> Settings:
        return Settings()

    told: list[int] = []
    driver = Driver(
        VmReconciler(here.kube, stores, settings),
        here.performer,
        lambda key, count: told.append(count),
    )
    pauses = []
    for _ in range(3):
        known = here.api.get(VM, "one")
        assert known is not None
        stores.vms.put(known)
        pauses.append(await driver.work(Key("default", "one")))
    assert (pauses, told) == ([1.0, 2.0, 4.0], [1, 2, 3])
    warning = ("Warning", "FailedCreate")
    assert {said[:2] for said in here.told.said} == {warning}
    assert here.told.said[0][2].endswith("exceeded quota: vms")
    stored = here.api.get(VM, "one")
    assert stored is not None
    said = {one["type"]: one for one in stored["status"]["conditions"]}
    assert said["Failure"]["reason"] == "FailedCreate"
    assert said["Failure"]["message"] == "exceeded quota: vms"
    assert said["Ready"]["reason"] == "VMINotExists"
