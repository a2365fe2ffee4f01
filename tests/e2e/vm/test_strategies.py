"""What each run strategy does when a guest ends by itself, and when its VM is patched."""

from __future__ import annotations

import pytest

from tests.e2e.kube import eventually
from tests.e2e.vm.machines import READY, Machines, tiny, vm

pytestmark = [pytest.mark.cluster, pytest.mark.guest, pytest.mark.timeout(420)]
OFF = "sleep 1; poweroff"
KILL_QEMU = """
import os, pathlib, signal
for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
    if comm.read_text().startswith("qemu-system"):
        os.kill(int(comm.parent.name), signal.SIGKILL)
"""


def set_strategy(machines: Machines, name: str, strategy: str) -> None:
    change = {"spec": {"runStrategy": strategy}}
    machines.kube.patch(machines.namespace, "vm", name, change)


def crash(machines: Machines, name: str) -> None:
    """Kill QEMU with SIGKILL, by somebody in the pod."""
    machines.execute(name, "python3", "-c", KILL_QEMU)


def test_always_starts_again_after_a_power_off(machines: Machines) -> None:
    machines.apply(vm("a", tiny(OFF)))
    machines.await_phase("a", "Running")
    first = machines.uid("a")
    eventually(lambda: machines.uid("a") not in ("", first))
    machines.await_phase("a", "Running")


@pytest.mark.parametrize("strategy", ["RerunOnFailure", "Manual", "Once"])
def test_these_stay_down_after_a_power_off(machines: Machines, strategy: str) -> None:
    machines.apply(vm("a", tiny(OFF), strategy))
    if strategy == "Manual":
        machines.await_status("a", "Stopped")
        requests = {"status": {"stateChangeRequests": [{"action": "Start"}]}}
        machines.kube.patch(machines.namespace, "vm", "a", requests, "status")
    machines.await_phase("a", "Succeeded") if strategy != "RerunOnFailure" else None
    machines.await_status("a", "Stopped")


def test_rerun_on_failure_starts_again_after_a_crash(machines: Machines) -> None:
    machines.apply(vm("a", tiny(), "RerunOnFailure"))
    machines.await_console("a", READY)
    first = machines.uid("a")
    crash(machines, "a")
    eventually(lambda: machines.uid("a") not in ("", first))
    machines.await_phase("a", "Running")


def test_halted_stops_and_always_starts(machines: Machines) -> None:
    machines.apply(vm("a", tiny("kubemu-tick 500 &"), "Halted"))
    machines.await_status("a", "Stopped")
    assert machines.phase("a") == ""
    set_strategy(machines, "a", "Always")
    machines.await_console("a", READY)
    machines.await_status("a", "Running")
    set_strategy(machines, "a", "Halted")
    machines.await_status("a", "Stopped")
    eventually(lambda: machines.phase("a") == "")


def test_a_vm_that_crashes_at_once_is_slowed_down(machines: Machines) -> None:
    machines.apply(vm("a", tiny()))
    machines.await_phase("a", "Running")
    crash(machines, "a")
    eventually(lambda: machines.vm("a")["status"].get("startFailure", {}) != {})
    machines.await_phase("a", "Running")
