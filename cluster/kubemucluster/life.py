"""A cluster's life: up, down, and the deaths and returns in between.

Every step looks at what is there and makes what is missing. That is what makes `up` twice nothing,
and what lets the next `up` finish one that was interrupted.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from . import (
    addons,
    certificates,
    cgroups,
    configuration,
    controlplane,
    health,
    images,
    machine,
    network,
    nodes,
    programs,
    tools,
)
from .cluster import ROOT, Cluster, create, existing
from .errors import ClusterError, StepFailed
from .layout import Node, Pods

Say = Callable[[str], None]


def up(name: str, pods: Pods | None, say: Say) -> Cluster:
    """Brings the cluster up; does nothing to what runs already. The caller holds the lock.

    `pods` None takes a cluster as it is, and makes a new one dual.
    """
    machine.require_tools()
    machine.require_modules()
    built = programs.built(say)
    cluster = existing(name)
    if cluster is None:
        machine.require_space(ROOT)
        cluster = create(name, pods or Pods.DUAL)
    if pods not in (None, cluster.layout.pods):
        raise ClusterError(
            f"The cluster {name} has {cluster.layout.pods} pods already.",
            hint="Another --name makes another cluster; `down` removes this one.",
        )
    for daemon in controlplane.daemons(cluster.layout, built):
        if cluster.owner.find(daemon.name) is None:
            cluster.owner.stop(daemon)  # one of an `up` that ended before it took note
    machine.require_free_ports(cluster.layout, cluster.owner)
    with _explaining_a_full_disk(cluster.layout.state):
        _bring_up(cluster, built, say)
    return cluster


def down(name: str, say: Say) -> None:
    """Removes the cluster and everything it made. The caller holds the lock."""
    cluster = existing(name)
    if cluster is None:
        machine.unmount_below(ROOT / name)
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
    machine.unmount_below(cluster.layout.state)
    machine.detach_loops(cluster.layout.state)
    # cluster.json goes last: an interrupted removal is found and finished by the next one.
    for entry in cluster.layout.state.iterdir():
        if entry.name != "cluster.json":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.rmtree(cluster.layout.state)


def start_node(cluster: Cluster, node: Node) -> None:
    """Starts a node's holder and what runs in it."""
    layout, owner = cluster.layout, cluster.owner
    if owner.find(node.name) is None:
        stop_node(cluster, node)  # what a holder left that died by itself
    nodes.prepare(layout, node)
    cgroups.make(layout, node)
    holder = nodes.hold(node, owner)
    network.connect(layout, node, holder.pid)
    inside = nodes.daemons(layout, node, programs.built(), owner)
    owner.start(inside["containerd"])
    # The kubelet ends when it finds no runtime.
    socket = Path(f"/proc/{holder.pid}/root/run/containerd/containerd.sock")
    health.await_condition(cluster, (f"containerd@{node.name}",), socket.exists)
    for program in ("kubelet", "kube-proxy"):
        owner.start(inside[program])


def stop_node(cluster: Cluster, node: Node) -> None:
    """A power cut: every process of the node ends at once, its folders stay."""
    cluster.owner.stop(nodes.holder_daemon(node))
    network.disconnect(node)
    cgroups.remove_node(cluster.layout, node)


def restart(cluster: Cluster, component: str) -> None:
    """Starts a component anew and waits until it works; a node means all that runs in it."""
    if component in {node.name for node in cluster.layout.nodes}:
        node = cluster.node(component)
        stop_node(cluster, node)
        start_node(cluster, node)
        health.await_working(cluster, f"kubelet@{node.name}")
        return
    daemon = cluster.daemon(component)
    cluster.owner.stop(daemon)
    cluster.owner.start(daemon)
    health.await_working(cluster, component)


def _bring_up(cluster: Cluster, built: programs.Programs, say: Say) -> None:
    layout, owner = cluster.layout, cluster.owner
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
    health.await_working(cluster, "registry")
    for image in own.values():
        images.push(layout, image)
    say("waiting for the API server")  # kube-proxy ends if it is not there
    serving = ("etcd", "kube-apiserver")
    health.await_condition(cluster, serving, lambda: health.works(cluster, "kube-apiserver"))
    for node in layout.nodes:
        say(node.name)
        start_node(cluster, node)
    say("waiting for two Ready nodes")
    for node in layout.nodes:
        health.await_working(cluster, f"kubelet@{node.name}")
    say("DNS and storage")
    addons.apply(layout, built["kubectl"], own)
    owner.start(controlplane.provisioner(layout))
    addons.await_available(layout)


@contextlib.contextmanager
def _explaining_a_full_disk(folder: Path) -> Iterator[None]:
    """Whatever a full disk makes fail, and however it says so, is told as a full disk."""
    try:
        yield
    except (OSError, StepFailed) as error:
        if not machine.is_full(folder):
            raise
        log = error.log if isinstance(error, StepFailed) else str(error)
        raise StepFailed(
            f"The disk of {folder} is full.",
            log=tools.tail(log),
            hint="Make room, then `up` goes on from here; `down` removes the cluster.",
        ) from error
