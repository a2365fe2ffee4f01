"""A VMI's phase, by a table."""

from typing import Any

import pytest

from tests.unit.virtoperator_handler.machines import AT, a_vmi, ended, seen, unreached
from virtoperator.handler import phases
from virtoperator.handler.phases import Verdict
from virtoperator.handler.seen import Name, PodEnd, Reach, Trouble

NO_ACPI = {"domain": {"features": {"acpi": {"enabled": False}}}}
OOM = "QEMU was killed because the pod had reached its memory limit."
WORDS = "It ended. QEMU's last line: qemu: no"


@pytest.mark.parametrize(
    ("phase", "what", "expected"),
    [
        ("Scheduled", unreached(), "Scheduled"),
        ("Scheduled", seen(Name.CREATED), "Scheduled"),
        ("Scheduled", seen(Name.BUILDING), "Scheduled"),
        ("Scheduled", seen(Name.STARTING), "Scheduled"),
        ("Scheduled", seen(Name.RUNNING, starting=True), "Scheduled"),
        ("Scheduled", seen(Name.RUNNING), "Running"),
        ("Scheduled", seen(Name.PAUSED, "start-strategy"), "Running"),
        ("Scheduled", seen(Name.STOPPING), "Running"),
        ("Running", seen(Name.PAUSED, "io-error"), "Running"),
        ("Running", seen(Name.UNKNOWN), "Running"),
        ("Scheduled", unreached(ago=179), "Scheduled"),
        ("Running", unreached(ago=599), "Running"),
        ("Running", unreached(Reach.GONE, ago=14), "Running"),
        ("Scheduled", ended("guest-shutdown"), "Succeeded"),
        ("Running", ended("guest-shutdown"), "Succeeded"),
        ("Running", unreached(Reach.GONE, pod_end=PodEnd(code=0)), "Succeeded"),
    ],
)
def test_a_phase_without_a_reason(phase: str, what: Any, expected: str) -> None:
    assert phases.phase_of(a_vmi(phase), what, AT) == Verdict(phase=expected)


@pytest.mark.parametrize(
    ("what", "reason", "message"),
    [
        (ended("crashed", signal=11), "QEMUCrashed", WORDS),
        (ended("crashed", signal=9), "QEMUCrashed", WORDS),
        (ended("crashed", signal=9, oom_killed=True), "OOMKilled", OOM),
        (ended("panicked"), "GuestPanicked", WORDS),
        (ended("failed"), "LaunchFailed", WORDS),
        (ended("killed"), "GuestKilled", WORDS),
        (ended("of a later version"), "MachineEnded", WORDS),
        (
            seen(Name.CREATED, trouble=Trouble(reason="BadVolume", message="no", final=True)),
            "BadVolume",
            "no",
        ),
        (
            unreached(Reach.GONE, pod_end=PodEnd(code=137, reason="OOMKilled")),
            "OOMKilled",
            "The launcher was killed because the pod had reached its memory limit.",
        ),
        (
            unreached(Reach.GONE, pod_end=PodEnd(code=6, message="It was ended.")),
            "LauncherEnded",
            "It was ended.",
        ),
        (
            unreached(Reach.GONE, pod_end=PodEnd(code=4, message="QEMU died.")),
            "LauncherEnded",
            "QEMU died.",
        ),
        (
            unreached(Reach.GONE, pod_end=PodEnd(code=137, reason="Error")),
            "LauncherEnded",
            "The launcher ended with exit status 137.",
        ),
        (
            unreached(Reach.GONE, ago=16),
            "LauncherGone",
            "The launcher ended without saying why.",
        ),
        (
            unreached(ago=601, obstacle="it is not there"),
            "LauncherUnresponsive",
            "The launcher has not answered for 600 s: it is not there",
        ),
    ],
)
def test_a_failure_says_why(what: Any, reason: str, message: str) -> None:
    expected = Verdict(phase="Failed", reason=reason, message=message)
    assert phases.phase_of(a_vmi("Running"), what, AT) == expected


def test_a_start_has_less_patience_than_a_guest_that_runs() -> None:
    expected = Verdict(
        phase="Failed",
        reason="LauncherUnresponsive",
        message="The launcher has not answered for 180 s: no socket",
    )
    what = unreached(ago=181, obstacle="no socket")
    assert phases.phase_of(a_vmi("Scheduled"), what, AT) == expected


@pytest.mark.parametrize("spec", [NO_ACPI, {"terminationGracePeriodSeconds": 0}])
def test_a_guest_that_could_not_obey_has_not_failed(spec: dict[str, Any]) -> None:
    vmi = a_vmi("Running")
    vmi["spec"] |= spec
    told_by_the_kubelet = unreached(pod_end=PodEnd(code=6))
    assert phases.phase_of(vmi, ended("killed"), AT) == Verdict(phase="Succeeded")
    assert phases.phase_of(vmi, told_by_the_kubelet, AT) == Verdict(phase="Succeeded")


def test_trouble_that_may_pass_changes_no_phase() -> None:
    trouble = Trouble(reason="NetworkFailed", message="no", final=False)
    what = seen(Name.CREATED, trouble=trouble)
    assert phases.phase_of(a_vmi(), what, AT) == Verdict(phase="Scheduled")
