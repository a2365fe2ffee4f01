"""Any component may be killed: pods keep running, and `restart` brings it back to work."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubemucluster import cgroups, cluster, health, life
from kubemucluster.cluster import Cluster
from tests.e2e.kube import Kube, Object, Refused, eventually
from tests.e2e.objects import FOREVER, a_pod, a_server, a_service
from tests.integration.cluster.lives import BOTH, NAME

COMPONENTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "registry",
    "volumes",
    "containerd@node-a",
    "kubelet@node-a",
    "kube-proxy@node-a",
)


@pytest.fixture(scope="module")
def old_pods(kube: Kube) -> Iterator[dict[str, str]]:
    """A pod on each node, by node, that were there before anything was killed."""
    script = f"cat /proc/sys/kernel/random/uuid >/tmp/born; {FOREVER}"
    pods = {node: f"old-{node}" for node in BOTH}
    kube.apply("default", *(a_pod(kube, pod, script, node) for node, pod in pods.items()))
    kube.await_ready("default", *pods.values())
    yield pods
    kube.run("-n", "default", "delete", "pod", *pods.values())


def births(kube: Kube, pods: dict[str, str]) -> list[str]:
    """What tells these containers from others that took their place; read inside of them."""

    def birth(pod: str) -> str:
        try:
            return kube.execute("default", pod, "/bin/cat", "/tmp/born")
        except Refused:  # a kubelet that was just started does not know its pods yet
            return ""

    return [birth(pod) for pod in pods.values()]


def everything(kube: Kube, name: str) -> Object:
    """A StatefulSet on both nodes, of a fresh image pull and a fresh volume each."""
    pod = a_server(kube, name, "")
    container = pod["spec"]["containers"][0]
    container |= {
        "imagePullPolicy": "Always",
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    labels = {"app": name}
    apart = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": labels}}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "loop",
        "resources": {"requests": {"storage": "8Mi"}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "replicas": 2,
            "podManagementPolicy": "Parallel",
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"},
            "serviceName": name,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {**pod["spec"], "affinity": {"podAntiAffinity": required}},
            },
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
        },
    }


def assert_all_works(kube: Kube, asking_from: str) -> None:
    """Does once what needs every component; leaves nothing of it."""
    kube.apply("default", everything(kube, "new"), a_service("new", "new"))
    kube.wait("default", "statefulset", "new", ".status.readyReplicas", "2")
    address = kube.get("default", "service", "new")["spec"]["clusterIP"]
    request = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 10 {address} 80; true"
    asked = (asking_from, "/bin/sh", "-c", request)
    eventually(lambda: "hello from new" in kube.execute("default", *asked))
    kube.delete("default", "service", "new")
    kube.delete("default", "statefulset", "new")
    eventually(lambda: kube.objects("default", "pods", "app=new") == [])
    eventually(lambda: kube.objects("", "persistentvolumes") == [])


@pytest.mark.parametrize("component", COMPONENTS)
def test_pods_survive_the_death_of(
    running: Cluster, kube: Kube, old_pods: dict[str, str], component: str
) -> None:
    before = births(kube, old_pods)
    with cluster.working_on(NAME):
        running.owner.stop(running.daemon(component))
        assert running.owner.find(component) is None
        assert not health.is_up(running)
        assert not health.works(running, component)
        life.restart(running, component)
    assert health.works(running, component)
    eventually(lambda: births(kube, old_pods) == before)
    assert_all_works(kube, old_pods["node-a"])


def test_a_killed_dns_server_is_started_again_by_its_kubelet(running: Cluster, kube: Kube) -> None:
    (pod,) = kube.objects("kube-system", "pods", "app=coredns")
    name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
    (pid,) = [
        int(process)
        for hierarchy in cgroups.hierarchies()[:1]
        for group in hierarchy.rglob(f"*pod{uid}/*/cgroup.procs")
        for process in group.read_text().split()
        if Path(f"/proc/{process}/comm").read_text() == "coredns\n"
    ]
    os.kill(pid, signal.SIGKILL)
    kube.wait("kube-system", "pod", name, ".status.containerStatuses[0].restartCount", "1")
    kube.await_ready("kube-system", name)


def test_a_node_loses_its_power_and_comes_back(
    running: Cluster, kube: Kube, old_pods: dict[str, str]
) -> None:
    node = running.node("node-b")
    before = births(kube, old_pods)
    with cluster.working_on(NAME):
        life.stop_node(running, node)
        eventually(lambda: health.ready_nodes(running) == {"node-a"})
        life.start_node(running, node)
    eventually(lambda: health.ready_nodes(running) == BOTH)
    path = ".status.containerStatuses[0].restartCount"
    kube.wait("default", "pod", old_pods["node-b"], path, "1")
    kube.await_ready("default", old_pods["node-b"])
    after = births(kube, old_pods)
    assert [old == new for old, new in zip(before, after, strict=True)] == [
        node != "node-b" for node in old_pods
    ]
    assert_all_works(kube, old_pods["node-b"])


def test_up_finds_a_dead_node_and_starts_it(
    running: Cluster, kube: Kube, old_pods: dict[str, str]
) -> None:
    holder = running.owner.find("node-a")
    assert holder is not None
    os.kill(holder.pid, signal.SIGKILL)
    with cluster.working_on(NAME):
        life.up(NAME, running.layout.pods, print)
    assert health.is_up(running)
    kube.await_ready("default", old_pods["node-a"])
    assert_all_works(kube, old_pods["node-a"])
