"""Every way to end a VM: the guest sees the power button, and the pod waits for it."""

from __future__ import annotations

import pytest

from tests.e2e.kube import Object, eventually
from tests.e2e.vm.machines import READY, Machines, tiny, vm, vmi

pytestmark = [pytest.mark.cluster, pytest.mark.guest, pytest.mark.timeout(300)]
SLOW = "kubemu-tick 200 &"
DEAF = "killall acpid; kubemu-tick 500 &"


def started(machines: Machines, name: str, spec: Object) -> str:
    """A VMI whose guest is up; the name of its pod."""
    machines.apply(vmi(name, spec))
    machines.await_console(name, READY)
    return machines.pod(name)


def follow(machines: Machines, pod: str) -> list[str]:
    """The rest of a guest's console, to its end."""
    words = ("-n", machines.namespace, "logs", "-f", pod, "-c", "guest-console-log")
    return machines.kube.run(*words).splitlines()


def gone(machines: Machines, kind: str, name: str) -> bool:
    words = ("-n", machines.namespace, "get", kind, name, "--ignore-not-found", "-o", "name")
    return not machines.kube.run(*words)


@pytest.mark.parametrize("what", ["pod", "vmi"])
def test_a_delete_is_the_power_button(machines: Machines, what: str) -> None:
    kube, namespace = machines.kube, machines.namespace
    pod = started(machines, "a", tiny(SLOW))
    kube.delete(namespace, what, pod if what == "pod" else "a", wait=False)
    assert any("power" in line for line in follow(machines, pod))
    if what == "pod":
        machines.await_phase("a", "Succeeded")
        kube.delete(namespace, "vmi", "a")
    eventually(lambda: gone(machines, "pod", pod) and gone(machines, "vmi", "a"))


def test_a_guest_that_ignores_the_button_is_killed_at_the_end_of_its_grace_period(
    machines: Machines,
) -> None:
    pod = started(machines, "deaf", tiny(DEAF, grace=3))
    before = machines.ticks("deaf")[-1]
    machines.kube.delete(machines.namespace, "vmi", "deaf", wait=False)
    lines = follow(machines, pod)
    assert sum("tick" in line for line in lines) >= before + 4  # It ran on for its grace period.
    eventually(lambda: gone(machines, "vmi", "deaf"))


def test_a_guest_that_powers_off_has_succeeded(machines: Machines) -> None:
    machines.apply(vmi("short", tiny("poweroff")))
    machines.await_phase("short", "Succeeded")
    eventually(lambda: machines.pods("short")[0]["status"]["phase"] == "Succeeded")


def test_a_namespace_goes_with_its_vms(machines: Machines) -> None:
    machines.apply(vm("a", tiny(SLOW)), vmi("b", tiny(SLOW)))
    machines.await_phase("a", "Running")
    machines.await_phase("b", "Running")
    machines.kube.run("delete", "namespace", machines.namespace, "--wait=true", limit=180)
    machines.kube.run("create", "namespace", machines.namespace)
