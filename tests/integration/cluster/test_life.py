"""A cluster's life: it leaves nothing behind, and survives the death of any component."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kubemucluster import api, cluster, programs
from kubemucluster.cluster import Cluster
from kubemucluster.errors import Busy, NotPossible
from kubemucluster.layout import Pods

pytestmark = [
    pytest.mark.root,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="clusters need root"),
]
NAME = "life"


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def links() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


def traces() -> dict[str, object]:
    """Everything of the machine that a cluster could leave changed."""
    return {
        "links": {name for name in links() if name.startswith("kmu")},
        "mounts": [line for line in Path("/proc/mounts").read_text().splitlines() if NAME in line],
        "namespaces": run("ip", "netns", "list"),
        "cgroups": sorted(map(str, Path("/sys/fs/cgroup").rglob(f"kubemu-{NAME}"))),
        "rules": run("nft", "list", "ruleset"),
        "loops": run("losetup", "--list"),
        "routes": run("ip", "route") + run("ip", "-6", "route"),
        "state": (cluster.ROOT / NAME).exists(),
    }


def say(step: str) -> None:
    print(step, flush=True)


def up() -> Cluster:
    with cluster.working_on(NAME):
        return cluster.up(NAME, Pods.DUAL, say)


def down() -> None:
    with cluster.working_on(NAME):
        cluster.down(NAME, say)


@pytest.fixture
def no_cluster() -> Iterator[None]:
    down()
    yield
    down()


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    down()
    yield up()
    down()


def kubectl(made: Cluster, *words: str) -> str:
    program = str(programs.built()["kubectl"])
    return run(program, f"--kubeconfig={made.layout.kubeconfig}", *words)


def eventually(question: Callable[[], bool], limit: float = 120) -> None:
    end = time.monotonic() + limit
    while not question():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.2)


def test_five_times_up_and_down_leave_nothing(no_cluster: None) -> None:
    before = traces()
    for _ in range(5):
        made = up()
        assert api.ready_nodes(made.layout) == {"node-a", "node-b"}
        down()
        assert made.owner.marked() == []
        assert traces() == before


def test_up_twice_changes_nothing(running: Cluster) -> None:
    before = {name: running.owner.find(name) for name in running.daemons()}
    up()
    assert {name: running.owner.find(name) for name in running.daemons()} == before


@pytest.mark.parametrize(
    "component", ["kubelet@node-a", "containerd@node-a", "kube-apiserver", "etcd"]
)
def test_pods_survive_the_death_of(running: Cluster, component: str) -> None:
    pods = ("-n", "kube-system", "get", "pods", "-o")
    running_pods = (*pods, "jsonpath={.items[*].status.containerStatuses[*].containerID}")
    before = kubectl(running, *running_pods)
    with cluster.working_on(NAME):
        running.owner.stop(running.daemon(component))
        assert running.owner.find(component) is None
        cluster.restart(running, component)
    assert running.owner.find(component) is not None
    eventually(lambda: api.ready_nodes(running.layout) == {"node-a", "node-b"})
    restarts = (*pods, "jsonpath={.items[*].status.containerStatuses[*].restartCount}")
    assert kubectl(running, *running_pods) == before
    assert set(kubectl(running, *restarts).split()) == {"0"}


def test_a_node_loses_its_power_and_comes_back(running: Cluster) -> None:
    node = running.node("node-b")
    with cluster.working_on(NAME):
        cluster.stop_node(running, node)
        eventually(lambda: api.ready_nodes(running.layout) == {"node-a"})
        cluster.start_node(running, node)
    eventually(lambda: api.ready_nodes(running.layout) == {"node-a", "node-b"})


def test_two_at_once_are_told(no_cluster: None) -> None:
    with cluster.working_on(NAME), pytest.raises(Busy), cluster.working_on(NAME):
        pass


def test_an_interrupted_up_is_finished_by_the_next(no_cluster: None) -> None:
    def interrupt(step: str) -> None:
        if step == "node-b":
            raise KeyboardInterrupt

    with cluster.working_on(NAME), pytest.raises(KeyboardInterrupt):
        cluster.up(NAME, Pods.DUAL, interrupt)
    assert api.ready_nodes(up().layout) == {"node-a", "node-b"}


def test_a_stale_record_is_not_mistaken_for_a_process(no_cluster: None) -> None:
    made = up()
    record = made.owner.records / "etcd.json"
    text = record.read_text()
    with cluster.working_on(NAME):
        made.owner.stop(made.daemon("etcd"))
    record.write_text(text.replace('"pid": ', '"pid": 1, "was": '))
    assert made.owner.find("etcd") is None
    assert api.ready_nodes(up().layout) == {"node-a", "node-b"}


def test_a_taken_port_is_named(no_cluster: None) -> None:
    number = len(list(cluster.ROOT.glob("*/cluster.json")))
    port = 6443 + 100 * number
    with socket.create_server(("127.0.0.1", port)), pytest.raises(NotPossible, match=str(port)):
        up()
