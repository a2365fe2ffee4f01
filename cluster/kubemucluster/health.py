"""Whether a cluster's components do their work, and waiting until they do."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from . import api, machine, tools
from .cluster import Cluster
from .errors import StepFailed
from .layout import Node
from .processes import Process

_LIMIT = 90


def states(cluster: Cluster) -> dict[str, Process | None]:
    """Each component's process, None where it does not run."""
    return {name: cluster.owner.find(name) for name in cluster.daemons()}


def ready_nodes(cluster: Cluster) -> set[str]:
    """The names of the nodes that are Ready; none when there is no API server to ask."""
    return {node.name for node in cluster.layout.nodes if node_is_ready(cluster, node)}


def is_up(cluster: Cluster) -> bool:
    """Whether every component runs and both nodes are Ready."""
    names = {node.name for node in cluster.layout.nodes}
    return all(states(cluster).values()) and ready_nodes(cluster) == names


def node_is_ready(cluster: Cluster, node: Node) -> bool:
    """Whether the node's kubelet and containerd, these very processes, were found to be well.

    A killed kubelet leaves its last word in the API, which is that all is well.
    """
    found = [cluster.owner.find(f"{name}@{node.name}") for name in ("kubelet", "containerd")]
    said = api.said_ready(cluster.layout).get(node.name)
    # It says so in whole seconds, rounded down; often that is the second of its own start.
    second = datetime.timedelta(seconds=1)
    return said is not None and all(p and p.started - second < said for p in found)


def works(cluster: Cluster, component: str) -> bool:
    """Whether a component does its work, as far as it tells."""
    layout = cluster.layout
    program, _, node = component.partition("@")
    match program:
        case "kubelet" | "containerd":
            return node_is_ready(cluster, layout.node(node))
        case "kube-proxy":
            return api.is_healthy(f"http://{layout.node(node).ipv4}:10256/healthz")
        case "kube-controller-manager" | "kube-scheduler":
            port = {"kube-controller-manager": 10257, "kube-scheduler": 10259}[program]
            return api.is_healthy(f"https://127.0.0.1:{layout.port(port)}/healthz")
        case "registry":
            return machine.listens(layout.ipv4, layout.registry_port)
        case "etcd" | "kube-apiserver":
            return api.is_ready(layout)
        case _:
            return cluster.owner.find(component) is not None


def await_working(cluster: Cluster, component: str) -> None:
    """Waits until a component works; StepFailed when it ends, or does not in time."""
    await_condition(cluster, (component,), lambda: works(cluster, component))


def await_condition(
    cluster: Cluster, components: Sequence[str], condition: Callable[[], bool]
) -> None:
    """Waits for what components bring about together, but not longer than each of them lives."""
    ended: list[str] = []

    def settled() -> bool:
        ended.extend(name for name in components if cluster.owner.find(name) is None)
        return bool(ended) or condition()

    in_time = tools.wait_until(settled, limit=_LIMIT)
    if ended or not in_time:
        culprit = (ended or components)[-1]
        what = "ended" if ended else f"is not ready after {_LIMIT} s"
        log = tools.tail_of(cluster.owner.log(culprit))
        raise StepFailed(f"{culprit} {what}.", log=log)
