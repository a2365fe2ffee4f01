"""What is done about one VMI, by a table."""

from typing import Any

import pytest

from tests.unit.virtoperator_handler.machines import AT, NOW, a_vmi, ended, seen, unreached
from virtoperator.handler import phases, status
from virtoperator.handler.reconcile import (
    Action,
    AskPod,
    Decision,
    Follow,
    Kill,
    Leave,
    Resume,
    Shutdown,
    Start,
    Tell,
    Write,
    reconcile,
)
from virtoperator.handler.seen import IoError, Name, Reach, Seen, Trouble

SIGNALED = Tell("Normal", "ShuttingDown", "Signaled Graceful Shutdown")


def settled(what: Seen, phase: str = "Running", **more: Any) -> dict[str, Any]:
    """A VMI whose status says what is seen already."""
    vmi = a_vmi(phase, **more)
    new = status.status_of(vmi, what, phases.phase_of(vmi, what, AT), NOW.wall)
    patch = status.patch_of(vmi, new, what)
    vmi["metadata"] |= {**patch.get("metadata", {}), "resourceVersion": "7"}
    vmi["status"] = new
    return vmi


def actions(vmi: dict[str, Any], what: Seen | None) -> tuple[Action, ...]:
    return reconcile(vmi, what, NOW).actions


@pytest.mark.parametrize("phase", ["", "Pending", "Scheduling", "Unknown"])
def test_what_is_the_controllers_is_left_alone(phase: str) -> None:
    assert reconcile(a_vmi(phase), None, NOW) == Decision()


@pytest.mark.parametrize("phase", ["Scheduled", "Running"])
def test_a_vmi_that_was_handed_over_is_followed(phase: str) -> None:
    assert reconcile(a_vmi(phase), None, NOW) == Decision(actions=(Follow(),))


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (seen(Name.CREATED), (Start(),)),
        (seen(Name.CREATED, starting=True), ()),
        (seen(Name.BUILDING), ()),
        (seen(Name.STARTING), ()),
        (seen(Name.RUNNING, starting=True), ()),
        (unreached(), ()),
        (unreached(ago=3), (AskPod(),)),
        (unreached(ago=3, pod_asked_at=AT - 0.5), ()),
        (unreached(Reach.GONE), (AskPod(),)),
    ],
)
def test_a_start(what: Seen, expected: tuple[Action, ...]) -> None:
    assert actions(a_vmi(), what) == expected


def test_a_start_that_failed_is_tried_again_when_its_time_has_come() -> None:
    trouble = Trouble(reason="NetworkFailed", message="no", final=False)
    waiting = seen(Name.CREATED, trouble=trouble, tries=1, retry_at=AT + 5)
    decision = reconcile(settled(waiting, "Scheduled"), waiting, NOW)
    assert decision == Decision(actions=(), again=5.0)
    due = seen(Name.CREATED, trouble=trouble, tries=1, retry_at=AT)
    assert actions(settled(due, "Scheduled"), due) == (Start(),)


def test_trouble_is_told_once() -> None:
    what = seen(
        Name.CREATED,
        trouble=Trouble(reason="NetworkFailed", message="no eth0", final=False),
        retry_at=AT + 5,
    )
    write, tell = actions(a_vmi(), what)
    assert isinstance(write, Write)
    assert tell == Tell("Warning", "SyncFailed", "no eth0")
    assert actions(settled(what, "Scheduled"), what) == ()


def test_a_started_vm_is_one_write_and_two_events() -> None:
    write, *events = actions(a_vmi(), seen())
    assert isinstance(write, Write)
    assert events == [
        Tell("Normal", "Created", "VirtualMachineInstance defined."),
        Tell("Normal", "Started", "VirtualMachineInstance started."),
    ]


def test_a_running_vm_needs_nothing() -> None:
    assert reconcile(settled(seen()), seen(), NOW) == Decision()


def test_writes_that_change_no_phase_keep_a_distance() -> None:
    what = seen(agent=True, written_at=AT - 0.25)
    assert reconcile(settled(seen()), what, NOW) == Decision(again=0.75)


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (seen(Name.RUNNING), (Shutdown(30), SIGNALED)),
        (seen(Name.PAUSED, "user"), (Shutdown(30), SIGNALED)),
        (seen(Name.STOPPING), ()),
        (unreached(), ()),
    ],
)
def test_a_deleted_vmi_is_shut_down_by_the_handler_itself(
    what: Seen, expected: tuple[Action, ...]
) -> None:
    vmi = settled(what)
    vmi["metadata"]["deletionTimestamp"] = "now"
    assert actions(vmi, what) == expected


@pytest.mark.parametrize("name", [Name.CREATED, Name.BUILDING, Name.STARTING])
def test_a_deleted_vmi_that_has_not_run_ends_at_once(name: Name) -> None:
    assert actions(a_vmi(deleted=True), seen(name)) == (Shutdown(0),)


def test_an_io_error_is_told_and_waited_out() -> None:
    error = IoError(volume="root", nospace=True)
    what = seen(Name.PAUSED, "io-error", io_error=error, paused_at=AT)
    decision = reconcile(settled(seen()), what, NOW)
    write, tell = decision.actions
    assert isinstance(write, Write)
    note = "VM Paused due to not enough space on volume: root"
    assert tell == Tell("Warning", "IOerror", note)
    assert decision.again == 10.0


@pytest.mark.parametrize(
    ("resumes", "delay"), [(0, 10), (1, 20), (2, 40), (3, 80), (4, 160), (5, 180), (50, 180)]
)
def test_a_vm_paused_by_an_io_error_is_resumed_ever_more_slowly(resumes: int, delay: int) -> None:
    waiting = seen(Name.PAUSED, "io-error", resumes=resumes, paused_at=AT - delay + 1)
    assert reconcile(settled(waiting), waiting, NOW) == Decision(again=1.0)
    due = seen(Name.PAUSED, "io-error", resumes=resumes, paused_at=AT - delay)
    assert actions(settled(due), due) == (Resume(),)


def test_a_vm_paused_by_its_user_stays_paused() -> None:
    what = seen(Name.PAUSED, "user", paused_at=AT - 1000)
    assert reconcile(settled(what), what, NOW) == Decision()


@pytest.mark.parametrize(
    ("kind", "tell"),
    [
        ("guest-shutdown", Tell("Normal", "Stopped", "The VirtualMachineInstance was shut down.")),
        (
            "crashed",
            Tell(
                "Warning",
                "Stopped",
                "The VirtualMachineInstance crashed. It ended. QEMU's last line: qemu: no",
            ),
        ),
    ],
)
def test_an_end_is_written_told_and_left(kind: str, tell: Tell) -> None:
    write, *rest = actions(settled(seen()), ended(kind))
    assert isinstance(write, Write)
    assert rest == [tell, Leave()]


def test_a_vm_that_was_deleted_before_it_ran_is_no_trouble() -> None:
    write, tell, leave = actions(a_vmi(deleted=True), ended("killed"))
    assert isinstance(write, Write)
    assert tell == Tell("Normal", "Stopped", "It ended. QEMU's last line: qemu: no")
    assert leave == Leave()


def test_a_refused_vm_fails_and_its_launcher_is_ended() -> None:
    what = seen(Name.CREATED, trouble=Trouble(reason="BadVolume", message="no", final=True))
    write, *rest = actions(a_vmi(), what)
    assert isinstance(write, Write)
    assert rest == [Tell("Warning", "SyncFailed", "no"), Kill()]


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (None, ()),
        (seen(Name.RUNNING), (Kill(),)),
        (ended("crashed"), (Leave(),)),
        (unreached(Reach.GONE), (Leave(),)),
        (unreached(), (Kill(), Leave())),
    ],
)
@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_vmi_that_is_over_has_no_machine(
    phase: str, what: Seen | None, expected: tuple[Action, ...]
) -> None:
    assert reconcile(a_vmi(phase), what, NOW) == Decision(actions=expected)


def test_a_vm_adopted_without_addresses_gets_the_pods() -> None:
    what = seen(addresses=())
    assert actions(settled(what), what) == (AskPod(),)
    asked = seen(addresses=(), pod_asked_at=AT - 1)
    assert actions(settled(asked), asked) == ()
