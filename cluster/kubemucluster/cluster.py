"""A cluster of this machine: found by its name, locked while somebody works on it."""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import controlplane, machine, nodes, programs
from .errors import Busy, ClusterError, Interrupted, NotPossible
from .layout import CLUSTERS, Layout, Node, Pods
from .processes import Daemon, Owner

ROOT = Path("/var/lib/kubemu-cluster")


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
    """Holds the cluster's lock; Busy when another command does, Interrupted by Ctrl-C."""
    machine.require_root()
    ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
    with (ROOT / f".{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                f"Another kubemu-cluster works on {name} right now.", hint="Wait for it to end."
            ) from None
        try:
            yield
        except KeyboardInterrupt:
            raise Interrupted(
                "Interrupted.", hint="`up` goes on from here, `down` removes what there is."
            ) from None


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


def create(name: str, pods: Pods) -> Cluster:
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
