"""One cluster's life: up, down, and what is asked of it in between."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import (
    addons,
    api,
    certificates,
    cgroups,
    configuration,
    controlplane,
    images,
    machine,
    network,
    nodes,
    programs,
    tools,
)
from .errors import Busy, ClusterError, NotPossible, StepFailed
from .layout import CLUSTERS, Layout, Node, Pods
from .processes import Daemon, Owner, Process

ROOT = Path("/var/lib/kubemu-cluster")
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster that has a state folder, and the owner of its processes."""

    layout: Layout
    owner: Owner

    def daemons(self) -> dict[str, Daemon]:
        """Every component by name; those of a node that is down are missing."""
        built = programs.built()
        machine_wide = [
            *controlplane.daemons(self.layout, built),
            controlplane.provisioner(self.layout),
        ]
        found = {daemon.name: daemon for daemon in machine_wide}
        for node in self.layout.nodes:
            found[node.name] = nodes.holder_daemon(node)
            if self.owner.find(node.name):
                inside = nodes.daemons(self.layout, node, built, self.owner)
                found |= {daemon.name: daemon for daemon in inside.values()}
        return found

    def daemon(self, name: str) -> Daemon:
        """The component of this name."""
        known = self.daemons()
        if name not in known:
            raise ClusterError(
                f"There is no component {name}.", hint=f"There are: {', '.join(known)}."
            )
        return known[name]

    def node(self, name: str) -> Node:
        """The node of this name."""
        try:
            return self.layout.node(name)
        except KeyError:
            raise ClusterError(f"There is no node {name}.", hint="node-a or node-b") from None


@contextlib.contextmanager
def working_on(name: str) -> Iterator[None]:
    """Holds the cluster's lock; Busy when another command does."""
    machine.require_root()
    ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
    with (ROOT / f".{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                f"Another kubemu-cluster works on {name} right now.", hint="Wait for it to end."
            ) from None
        yield


def existing(name: str) -> Cluster | None:
    """The cluster of this name, if there is one, running or not."""
    state = ROOT / name
    try:
        facts = json.loads((state / "cluster.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    layout = Layout(name=name, number=facts["number"], pods=Pods(facts["pods"]), state=state)
    return Cluster(layout=layout, owner=Owner(records=state / "run", logs=layout.logs))


def required(name: str) -> Cluster:
    """The cluster of this name; ClusterError when there is none."""
    found = existing(name)
    if found is None:
        raise ClusterError(f"There is no cluster {name}.", hint="kubemu-cluster up")
    return found


def states(cluster: Cluster) -> dict[str, Process | None]:
    """Each component's process, None where it does not run."""
    return {name: cluster.owner.find(name) for name in cluster.daemons()}


def ready_nodes(cluster: Cluster) -> set[str]:
    """The names of the nodes that are Ready; none when there is no API server to ask."""
    return api.ready_nodes(cluster.layout) if api.is_ready(cluster.layout) else set()


def is_up(cluster: Cluster) -> bool:
    """Whether every component runs and both nodes are Ready."""
    names = {node.name for node in cluster.layout.nodes}
    return all(states(cluster).values()) and ready_nodes(cluster) == names


def up(name: str, pods: Pods, say: Say) -> Cluster:
    """Brings the cluster up; does nothing to what runs already. The caller holds the lock."""
    machine.require_tools()
    built = programs.built(say)
    cluster = existing(name) or _new(name, pods)
    layout, owner = cluster.layout, cluster.owner
    machine.require_free_ports(layout, owner)
    say("certificates and configuration")
    certificates.write_all(layout)
    own = images.own_images(built)
    configuration.write_registry(layout)
    configuration.write_all(layout, own["pause"].reference)
    say("network")
    network.make_bridge(layout)
    say("control plane")
    (layout.state / "etcd").mkdir(mode=0o700, exist_ok=True)
    for daemon in controlplane.daemons(layout, built):
        owner.start(daemon)
    say("images")
    _await(cluster, "registry", lambda: machine.listens(layout.ipv4, layout.registry_port))
    for image in own.values():
        images.push(layout, image)
    say("waiting for the API server")  # kube-proxy ends if it is not there
    _await(cluster, "kube-apiserver", lambda: api.is_ready(layout))
    for node in layout.nodes:
        say(node.name)
        start_node(cluster, node)
    say("waiting for two Ready nodes")
    for node in layout.nodes:
        is_ready = functools.partial(_node_is_ready, layout, node)
        _await(cluster, f"kubelet@{node.name}", is_ready)
    say("DNS and storage")
    addons.apply(layout, built["kubectl"], own)
    owner.start(controlplane.provisioner(layout))
    addons.await_available(layout)
    return cluster


def down(name: str, say: Say) -> None:
    """Removes the cluster and everything it made. The caller holds the lock."""
    cluster = existing(name)
    if cluster is None:
        shutil.rmtree(ROOT / name, ignore_errors=True)
        return
    say("processes")
    # The holders go first and take their nodes' processes and mounts with them.
    cluster.owner.stop_all()
    for node in cluster.layout.nodes:
        network.disconnect(node)
    say("network, control groups and state")
    network.remove_bridge(cluster.layout)
    cgroups.remove(cluster.layout)
    machine.detach_loops(cluster.layout.state)
    # cluster.json goes last: an interrupted removal is found and finished by the next one.
    for entry in cluster.layout.state.iterdir():
        if entry.name != "cluster.json":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.rmtree(cluster.layout.state)


def start_node(cluster: Cluster, node: Node) -> None:
    """Starts a node's holder and what runs in it."""
    layout, owner = cluster.layout, cluster.owner
    nodes.prepare(layout, node)
    cgroups.make(layout, node)
    nodes.hold(node, owner)
    holder = owner.find(node.name)
    if holder is None:
        raise StepFailed(f"{node.name} ended.", log=tools.tail_of(owner.log(node.name)))
    network.connect(layout, node, holder.pid)
    inside = nodes.daemons(layout, node, programs.built(), owner)
    owner.start(inside["containerd"])
    # The kubelet ends when it finds no runtime.
    socket = Path(f"/proc/{holder.pid}/root/run/containerd/containerd.sock")
    _await(cluster, f"containerd@{node.name}", socket.exists)
    for program in ("kubelet", "kube-proxy"):
        owner.start(inside[program])


def stop_node(cluster: Cluster, node: Node) -> None:
    """A power cut: every process of the node ends at once, its folders stay."""
    cluster.owner.stop(nodes.holder_daemon(node))
    network.disconnect(node)
    cgroups.remove_node(cluster.layout, node)


def restart(cluster: Cluster, component: str) -> None:
    """Starts a component anew; a node means its holder and all that runs in it."""
    names = [node.name for node in cluster.layout.nodes]
    if component in names:
        stop_node(cluster, cluster.node(component))
        start_node(cluster, cluster.node(component))
        return
    daemon = cluster.daemon(component)
    cluster.owner.stop(daemon)
    cluster.owner.start(daemon)
    _await(cluster, component, lambda: api.is_ready(cluster.layout))
    for node in cluster.layout.nodes:
        if cluster.owner.find(f"kubelet@{node.name}"):
            is_ready = functools.partial(_node_is_ready, cluster.layout, node)
            _await(cluster, component, is_ready)


def _new(name: str, pods: Pods) -> Cluster:
    """Takes the lowest free number; a lock for all clusters, so that two never take the same."""
    with (ROOT / ".numbers.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        others = [existing(path.parent.name) for path in ROOT.glob("*/cluster.json")]
        taken = {other.layout.number for other in others if other}
        number = next((n for n in range(CLUSTERS) if n not in taken), None)
        if number is None:
            raise NotPossible(f"There are {CLUSTERS} clusters already.")
        folder = ROOT / name
        folder.mkdir(exist_ok=True)
        (folder / "cluster.json").write_text(json.dumps({"number": number, "pods": pods}))
    return required(name)


def _node_is_ready(layout: Layout, node: Node) -> bool:
    return node.name in api.ready_nodes(layout)


def _await(cluster: Cluster, component: str, condition: Callable[[], bool]) -> None:
    """Waits for a component, but not longer than it lives."""
    ended = False

    def settled() -> bool:
        nonlocal ended
        ended = cluster.owner.find(component) is None
        return ended or condition()

    in_time = tools.wait_until(settled, limit=90)
    if ended or not in_time:
        what = "ended" if ended else "is not ready after 90 s"
        log = tools.tail_of(cluster.owner.log(component))
        raise StepFailed(f"{component} {what}.", log=log)
