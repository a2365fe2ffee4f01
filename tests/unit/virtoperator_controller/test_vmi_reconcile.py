"""One VMI until its node has it, and while it runs."""

from __future__ import annotations

import pytest

from tests.unit.virtoperator_controller.deciding_vmi import (
    VMI_WITH_CLAIM,
    after,
    decide,
    lacks,
    said,
    told,
)
from tests.unit.virtoperator_controller.objects import (
    NOW,
    POD_UID,
    SETTINGS,
    STAMP,
    Json,
    condition,
    ended_pod,
    make_pod,
    make_vmi,
    running_pod,
)
from virtoperator import conditions, names
from virtoperator.controller.actions import Again, Change, Create, Failure
from virtoperator.controller.vmi.observed import Observed
from virtoperator.controller.vmi.reconcile import report
from virtoperator.kinds import POD


def test_a_new_vmi_gets_its_pod_and_one_write_that_says_so() -> None:
    vmi = make_vmi()
    create, change = decide(vmi)
    assert isinstance(create, Create) and isinstance(change, Change)
    assert create.kind is POD
    assert create.told is not None
    name = create.body["metadata"]["name"]
    assert create.told.message == f"Created virtual machine pod {name}"
    new = after(vmi, [change])
    assert new["metadata"]["finalizers"] == [names.VMI_FINALIZER]
    assert new["spec"]["domain"]["firmware"]["uuid"]
    assert new["status"]["phase"] == "Scheduling"
    assert new["status"]["phaseTransitionTimestamps"] == [
        {"phase": "Pending", "phaseTransitionTimestamp": STAMP},
        {"phase": "Scheduling", "phaseTransitionTimestamp": STAMP},
    ]
    assert new["status"]["memory"]["memoryOverhead"]
    assert said(new, "Ready")[:2] == ("False", "GuestNotRunning")
    assert change.version == "1"


def test_what_a_vmi_leaves_open_is_filled_in_the_same_way_each_time() -> None:
    first, second = (after(make_vmi(), decide(make_vmi()))["spec"] for _ in range(2))
    assert first == second
    assert first["domain"]["devices"]["interfaces"][0]["macAddress"].startswith("02:")


def test_an_address_that_was_wished_for_stays() -> None:
    vmi = make_vmi()
    vmi["spec"]["domain"]["devices"]["interfaces"][0]["macAddress"] = "de:ad:00:00:be:ef"
    spec = after(vmi, decide(vmi))["spec"]
    assert spec["domain"]["devices"]["interfaces"][0]["macAddress"] == "de:ad:00:00:be:ef"


@pytest.mark.parametrize("phase", ["", "Pending"])
def test_a_pod_that_is_there_already_is_taken(phase: str) -> None:
    vmi = make_vmi(phase)
    actions = decide(vmi, make_pod(node=""))
    assert [type(action) for action in actions] == [Change]
    new = after(vmi, actions)
    assert new["status"]["phase"] == "Scheduling"
    assert new["metadata"]["finalizers"] == [names.VMI_FINALIZER]


@pytest.mark.parametrize("phase", ["", "Pending"])
def test_a_vmi_waits_for_its_claim(phase: str) -> None:
    vmi = make_vmi(phase)
    vmi["spec"]["volumes"][0] = {**VMI_WITH_CLAIM, "name": "root"}
    actions = decide(vmi)
    assert told(actions) == ["FailedPvcNotFound"]
    new = after(vmi, actions)
    message = "PVC default/data does not exist, waiting for it to appear"
    assert new["status"]["phase"] == "Pending"
    assert said(new, "Synchronized") == ("False", "FailedPvcNotFound", message)
    assert said(new, "PodScheduled") == ("False", "Unschedulable", message)
    assert said(new, "Ready")[1] == "PodNotExists"
    assert decide(new) == []
    create, change = decide(new, claims={"data": {"spec": {"volumeMode": "Block"}}})
    assert isinstance(create, Create)
    assert create.body["spec"]["containers"][0]["volumeDevices"][0]["name"] == "root"
    done = after(new, [change])
    assert lacks(done, "Synchronized")
    assert lacks(done, "PodScheduled")


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"volumes": []}, "InvalidSpec", "spec.domain.devices.disks[0]"),
        ({"domain": {"devices": {"disks": 7}}}, "InvalidSpec", "spec.domain.devices.disks"),
        ({"evictionStrategy": "Sometimes"}, "InvalidSpec", "spec.evictionStrategy"),
        (
            {"readinessProbe": {"guestAgentPing": {}}},
            "NotSupported",
            "spec.readinessProbe.guestAgentPing is not available yet",
        ),
    ],
)
def test_a_vmi_that_cannot_run_ends_in_a_sentence(change: Json, reason: str, words: str) -> None:
    vmi = make_vmi()
    vmi["spec"].update(change)
    actions = decide(vmi)
    assert told(actions) == [reason]
    new = after(vmi, actions)
    assert new["status"]["phase"] == "Failed"
    assert new["status"]["reason"] == reason
    status, said_reason, message = said(new, "Synchronized")
    assert (status, said_reason) == ("False", reason)
    assert words in message
    assert decide(new) == []


def test_a_pod_that_is_refused_is_told_and_tried_again() -> None:
    vmi = make_vmi()
    create = decide(vmi)[0]
    assert isinstance(create, Create)
    failure = Failure(action=create, message='pods "x" is forbidden: exceeded quota: q')
    seen = Observed(vmi=vmi, now=NOW, settings=SETTINGS)
    new = after(vmi, report(seen, failure))
    assert said(new, "Synchronized")[1:] == ("FailedCreate", failure.message)
    again = decide(new)
    assert isinstance(again[0], Create)
    assert lacks(after(new, again), "Synchronized")


_WAITING = {"state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}
_BACK_OFF = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}}}
_UNPLACED = condition("PodScheduled", "False", "Unschedulable", "0/2 nodes are available")


@pytest.mark.parametrize(
    ("status", "complaint", "kind", "expected"),
    [
        (
            {"conditions": [_UNPLACED]},
            "",
            "PodScheduled",
            ("False", "Unschedulable", "0/2 nodes are available"),
        ),
        (
            {"containerStatuses": [{"name": "compute", **_WAITING}]},
            "",
            "Synchronized",
            ("False", "ErrImagePull", "no such image"),
        ),
        (
            {"initContainerStatuses": [{"name": "guest-console-log", **_BACK_OFF}]},
            "",
            "Synchronized",
            ("False", "ImagePullBackOff", "Back-off"),
        ),
        (
            {},
            'MountVolume.SetUp failed for volume "x" : secret "y" not found',
            "Synchronized",
            (
                "False",
                "PodNotStarted",
                'MountVolume.SetUp failed for volume "x" : secret "y" not found',
            ),
        ),
    ],
)
def test_what_keeps_the_pod_is_said_on_the_vmi(
    status: Json, complaint: str, kind: str, expected: tuple[str, str, str]
) -> None:
    vmi = make_vmi("Scheduling")
    actions = decide(vmi, make_pod(**status), complaint=complaint)
    new = after(vmi, actions)
    assert said(new, kind) == expected
    assert new["status"]["phase"] == "Scheduling"
    repeated = decide(new, make_pod(**status), complaint=complaint)
    assert [one for one in repeated if not isinstance(one, Again)] == []
    cured = after(new, decide(new, make_pod()))
    assert lacks(cured, kind)


def test_the_two_words_of_the_kubelet_for_one_missing_image_are_one() -> None:
    vmi = make_vmi("Scheduling")
    failing = make_pod(containerStatuses=[{"name": "compute", **_WAITING}])
    waiting = make_pod(containerStatuses=[{"name": "compute", **_BACK_OFF}])
    new = after(vmi, decide(vmi, failing))
    assert after(new, decide(new, waiting)) is new


def test_a_running_pod_hands_the_vmi_to_its_node_in_one_write() -> None:
    vmi = make_vmi("Scheduling", conditions=[condition("Synchronized", "False", "ErrImagePull")])
    actions = decide(vmi, running_pod())
    assert [type(action) for action in actions] == [Change]
    new = after(vmi, actions)
    assert new["metadata"]["labels"] == {
        names.NODE_NAME: "node-a",
        names.node_label("node-a"): "",
    }
    status = new["status"]
    assert (status["phase"], status["nodeName"]) == ("Scheduled", "node-a")
    assert status["activePods"] == {POD_UID: "node-a"}
    assert status["qosClass"] == "Burstable"
    assert status["launcherContainerImageVersion"] == SETTINGS.launcher_image
    assert status["migrationTransport"] == "Unix"
    assert status["volumeStatus"] == [{"name": "root", "target": ""}]
    assert lacks(new, "Synchronized")


def test_the_hand_off_tells_about_claims() -> None:
    vmi = make_vmi("Scheduling")
    vmi["spec"]["volumes"].append(VMI_WITH_CLAIM)
    claim = {
        "spec": {
            "volumeMode": "Filesystem",
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
        "status": {"capacity": {"storage": "2Gi"}},
    }
    new = after(vmi, decide(vmi, running_pod(), claims={"data": claim}))
    assert new["status"]["volumeStatus"][1] == {
        "name": "data",
        "target": "",
        "persistentVolumeClaimInfo": {
            "claimName": "data",
            "accessModes": ["ReadWriteOnce"],
            "volumeMode": "Filesystem",
            "capacity": {"storage": "2Gi"},
            "requests": {"storage": "1Gi"},
        },
    }


_RUNS = {"running": {"startedAt": STAMP}}


@pytest.mark.parametrize(
    ("statuses", "inits", "handed_over"),
    [
        ([("compute", _RUNS, False)], [], True),
        ([("compute", {"waiting": {}}, False)], [], False),
        ([("compute", _RUNS, True)], [("guest-console-log", _RUNS, False)], False),
        ([("compute", _RUNS, False)], [("guest-console-log", _RUNS, True)], True),
        ([("compute", _RUNS, False)], [("once", {"terminated": {"exitCode": 0}}, False)], True),
        ([("compute", _RUNS, False), ("hook", _RUNS, False)], [], False),
        ([("compute", _RUNS, False), ("istio-proxy", _RUNS, False)], [], True),
    ],
)
def test_the_rule_of_hand_over(
    statuses: list[tuple[str, Json, bool]], inits: list[tuple[str, Json, bool]], handed_over: bool
) -> None:
    def render(entries: list[tuple[str, Json, bool]]) -> list[Json]:
        return [{"name": name, "state": state, "ready": ready} for name, state, ready in entries]

    pod = make_pod(
        "Running", containerStatuses=render(statuses), initContainerStatuses=render(inits)
    )
    vmi = make_vmi("Scheduling")
    phase = after(vmi, decide(vmi, pod))["status"]["phase"]
    assert phase == ("Scheduled" if handed_over else "Scheduling")


@pytest.mark.parametrize(
    ("pods", "reason"),
    [
        ((), "PodGone"),
        ((make_pod(deleting=True),), "PodDeleted"),
        ((ended_pod(1, message="QEMU said no"),), "LauncherEnded"),
        ((ended_pod(137, reason="OOMKilled"),), "OOMKilled"),
        ((make_pod("Failed", reason="Evicted", message="low on memory"),), "Evicted"),
        ((make_pod("Succeeded"),), "PodEnded"),
    ],
)
def test_a_pod_lost_before_the_hand_over_fails_the_vmi(pods: tuple[Json, ...], reason: str) -> None:
    vmi = make_vmi("Scheduling")
    actions = decide(vmi, *pods)
    assert not [action for action in actions if isinstance(action, Create)]
    new = after(vmi, actions)
    assert (new["status"]["phase"], new["status"]["reason"]) == ("Failed", reason)
    assert said(new, "Synchronized")[1] == reason


def test_dedicated_cpus_without_the_guarantee_fail_the_vmi_and_its_pod() -> None:
    vmi = make_vmi("Scheduling")
    vmi["spec"]["domain"]["cpu"] = {"dedicatedCpuPlacement": True}
    actions = decide(vmi, running_pod())
    assert told(actions) == ["FailedGuaranteeResources", "SuccessfulDelete"]
    assert after(vmi, actions)["status"]["phase"] == "Failed"


@pytest.mark.parametrize(
    ("phase", "pods", "expected"),
    [
        ("Scheduled", (running_pod(ready=True),), ("False", "GuestNotRunning")),
        ("Running", (running_pod(ready=True),), ("True", "")),
        ("Running", (running_pod(ready=False),), ("False", "ContainersNotReady")),
        ("Running", (running_pod(ready=True, deleting=True),), ("False", "PodTerminating")),
        ("Running", (make_pod("Running"),), ("False", "PodConditionMissing")),
        ("Running", (), ("False", "GuestNotRunning")),
        ("Succeeded", (ended_pod(0),), ("False", "GuestNotRunning")),
    ],
)
def test_ready(phase: str, pods: tuple[Json, ...], expected: tuple[str, str]) -> None:
    vmi = make_vmi(phase)
    new = after(vmi, decide(vmi, *pods))
    one = conditions.find(new["status"]["conditions"], "Ready")
    assert one is not None
    assert (one["status"], one.get("reason", "")) == expected


def test_a_gate_that_is_about_to_open_is_no_news() -> None:
    not_open = condition("Ready", "False", "ReadinessGatesNotReady")
    vmi = make_vmi("Running", conditions=[condition("Ready", "False", "GuestNotRunning")])
    (change,) = decide(vmi, running_pod(conditions=[not_open]))
    assert isinstance(change, Change)
    assert (change.kind, change.subresource) == (POD, "status")


@pytest.mark.parametrize(
    ("paused", "known", "expected"),
    [
        (False, None, ("True", "NotPaused")),
        (True, None, ("False", "Paused")),
        (True, "True", ("False", "Paused")),
        (False, "True", None),
    ],
)
def test_the_gate_of_the_pod_follows_the_guest(
    paused: bool, known: str | None, expected: tuple[str, str] | None
) -> None:
    held = [condition("Paused", "True", "PausedByUser")] if paused else []
    vmi = make_vmi("Running", conditions=held)
    pod = running_pod(ready=True)
    pod["status"]["conditions"] = [
        condition("Ready"),
        *(
            [
                condition(
                    names.UNPAUSED_GATE, known, "NotPaused", "the virtual machine is not paused"
                )
            ]
            if known
            else []
        ),
    ]
    gates = [one for one in decide(vmi, pod) if isinstance(one, Change) and one.kind is POD]
    if expected is None:
        assert gates == []
    else:
        (gate,) = gates
        assert gate.patch["metadata"] == {"uid": POD_UID}
        (sent,) = gate.patch["status"]["conditions"]
        assert (sent["status"], sent["reason"]) == expected
