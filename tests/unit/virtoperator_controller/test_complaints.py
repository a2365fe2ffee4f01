"""What the kubelet tells in events only, about a pod that does not start."""

from __future__ import annotations

import datetime

import pytest

from tests.unit.virtoperator_controller.apiserver import Api, MemoryKube
from tests.unit.virtoperator_controller.objects import (
    POD_UID,
    SETTINGS,
    UID,
    Json,
    later,
    make_pod,
    make_vmi,
    stamp,
)
from virtoperator.controller.stores import Stores
from virtoperator.controller.vmi.observing import VmiReconciler
from virtoperator.kinds import EVENT
from virtoperator.store import Key


def warning(name: str, note: str, seen: float, reason: str = "FailedMount") -> Json:
    return {
        "metadata": {"name": name, "namespace": "default"},
        "regarding": {"uid": POD_UID},
        "type": "Warning",
        "reason": reason,
        "note": note,
        "deprecatedLastTimestamp": stamp(later(seen)),
    }


@pytest.mark.parametrize(
    ("now", "expected"),
    [(5, ""), (20, "no secret y"), (150, "no secret y"), (400, "")],
    ids=["too early to ask", "the latest counts", "it still does", "old news"],
)
async def test_the_last_warning_about_a_pod_that_does_not_start(now: float, expected: str) -> None:
    api = Api()
    for event in (
        warning("a", "no secret x", 3),
        warning("b", "no secret y", 4),
        warning("c", "no node", 9, "FailedScheduling"),
    ):
        api.create(EVENT, event)
    stores = Stores()
    stores.vmis.put(make_vmi("Scheduling"))
    stores.pods.put(make_pod(startTime=stamp(later(0))))

    def clock() -> datetime.datetime:
        return later(now)

    reconciler = VmiReconciler(
        MemoryKube(api), stores, lambda: SETTINGS, lambda kind, body: None, clock
    )
    seen = await reconciler.observe(Key("default", "one"))
    assert seen is not None
    assert seen.vmi["metadata"]["uid"] == UID
    assert seen.complaint == expected
