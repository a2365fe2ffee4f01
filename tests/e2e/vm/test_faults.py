"""Whatever dies, a VM does not notice; and what kills a VM is told."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial

import pytest

from kubemucluster import cluster as clusters
from kubemucluster import life
from tests.e2e.kube import Kube, Object, Refused, eventually
from tests.e2e.vm import installation, processes
from tests.e2e.vm.machines import READY, Machines, tiny, vm, vmi

pytestmark = [pytest.mark.cluster, pytest.mark.guest, pytest.mark.timeout(600)]
TICKING = "kubemu-tick 200 &"
CLUSTER = "kubemu"


@pytest.fixture
def ticking(machines: Machines) -> Machines:
    """A VM `a` whose guest counts on its console."""
    machines.apply(vm("a", tiny(TICKING)))
    machines.await_console("a", READY)
    return machines


@pytest.fixture
def local() -> Iterator[clusters.Cluster]:
    """The local cluster, whole again afterwards."""
    found = clusters.required(CLUSTER)
    yield found
    with clusters.working_on(CLUSTER):
        life.up(CLUSTER, found.layout.pods, print)


def assert_undisturbed(machines: Machines, pod: str) -> None:
    """The guest has counted on in the same pod, and its VM still obeys."""
    eventually(lambda: machines.ticks("a") != [])  # A kubelet that just began knows no logs yet.
    seen = len(machines.ticks("a"))
    eventually(lambda: len(machines.ticks("a")) > seen + 5)
    ticks = machines.ticks("a")
    assert all(later == former + 1 for former, later in itertools.pairwise(ticks))
    assert machines.pod("a") == pod
    assert machines.status("a") == "Running"
    change = {"spec": {"runStrategy": "Halted"}}
    machines.kube.patch(machines.namespace, "vm", "a", change)
    machines.await_status("a", "Stopped")


@pytest.mark.parametrize("component", ["virt-controller", "virt-handler"])
def test_a_vm_survives_the_death_of_our(ticking: Machines, component: str) -> None:
    kube, pod = ticking.kube, ticking.pod("a")
    ours = kube.objects(installation.NAMESPACE, "pods", f"kubevirt.io={component}")
    before = {one["metadata"]["name"]: _restarts(one) for one in ours}
    for one in ours:
        processes.kill(*processes.of_pod(one["metadata"]["uid"], component))
    for name, count in before.items():
        eventually(partial(_has_restarted, kube, name, count))
        kube.await_ready(installation.NAMESPACE, name)
    assert_undisturbed(ticking, pod)


def _has_restarted(kube: Kube, name: str, before: int) -> bool:
    return _restarts(kube.get(installation.NAMESPACE, "pod", name)) > before


def _restarts(pod: Object) -> int:
    return sum(one["restartCount"] for one in pod["status"].get("containerStatuses", ()))


@pytest.mark.parametrize("component", ["kube-apiserver", "etcd", "kubelet", "containerd"])
def test_a_vm_survives_the_death_of(
    ticking: Machines, local: clusters.Cluster, component: str
) -> None:
    pod = ticking.pod("a")
    name = component
    if component in ("kubelet", "containerd"):
        name = f"{component}@{ticking.vmi('a')['status']['nodeName']}"
    with clusters.working_on(CLUSTER):
        local.owner.stop(local.daemon(name))
        life.restart(local, name)
    assert_undisturbed(ticking, pod)


@pytest.mark.parametrize("victim", ["qemu-system", "virt-launcher"])
def test_a_killed_vm_has_failed_and_says_why(machines: Machines, victim: str) -> None:
    machines.apply(vmi("a", tiny()))
    machines.await_console("a", READY)
    [pod] = machines.pods("a")
    uid = pod["metadata"]["uid"]
    found = processes.of_pod(uid, victim)
    processes.kill(*found[:1])
    machines.await_phase("a", "Failed")
    eventually(lambda: processes.of_pod(uid, "qemu-system") == [])
    eventually(lambda: machines.pods("a")[0]["status"]["phase"] == "Failed")
    assert "The VirtualMachineInstance crashed." in machines.describe("vmi", "a")


def test_a_delete_is_obeyed_without_a_kubelet(ticking: Machines, local: clusters.Cluster) -> None:
    [pod] = ticking.pods("a")
    node = pod["spec"]["nodeName"]
    with clusters.working_on(CLUSTER):
        local.owner.stop(local.daemon(f"kubelet@{node}"))
    ticking.kube.delete(ticking.namespace, "vm", "a", wait=False)
    eventually(lambda: processes.of_pod(pod["metadata"]["uid"], "qemu-system") == [])


def test_a_pod_deleted_by_force_takes_its_vm_with_it(machines: Machines) -> None:
    machines.apply(vmi("a", tiny()))
    machines.await_console("a", READY)
    [pod] = machines.pods("a")
    words = ("delete", "pod", pod["metadata"]["name"], "--force", "--grace-period=0")
    machines.kube.run("-n", machines.namespace, *words)
    eventually(lambda: machines.phase("a") in ("Failed", "Succeeded"))
    eventually(lambda: processes.of_pod(pod["metadata"]["uid"], "qemu-system") == [])


@pytest.mark.parametrize("when", ["unschedulable", "no-image", "starting"])
def test_a_delete_is_obeyed_in_every_phase(machines: Machines, when: str) -> None:
    spec = tiny()
    if when == "unschedulable":
        spec["nodeSelector"] = {"there-is": "none"}
    if when == "no-image":
        spec["volumes"][0]["containerDisk"]["image"] = "registry:5000/kubemu/nothing:here"
    machines.apply(vm("a", spec))
    eventually(lambda: machines.pods("a") != [])
    machines.kube.delete(machines.namespace, "vm", "a")
    eventually(lambda: _gone(machines.kube, machines.namespace))


def _gone(kube: Kube, namespace: str) -> bool:
    try:
        return not any(kube.objects(namespace, kind) for kind in ("vm", "vmi", "pods"))
    except Refused:
        return False


def test_a_node_is_drained(ticking: Machines) -> None:
    """Without live migration a drain is a shutdown; run strategy Always starts it elsewhere."""
    kube = ticking.kube
    first = ticking.uid("a")
    node = ticking.vmi("a")["status"]["nodeName"]
    try:
        kube.run("cordon", node)
        kube.delete(ticking.namespace, "pod", ticking.pod("a"), wait=False)
        eventually(lambda: ticking.uid("a") not in ("", first))
        ticking.await_phase("a", "Running")
        assert ticking.vmi("a")["status"]["nodeName"] != node
    finally:
        kube.run("uncordon", node)
