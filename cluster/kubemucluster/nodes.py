"""A node: its holder, what runs in it, and how programs enter it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

from . import holder, tools
from .errors import StepFailed
from .layout import Layout, Node
from .processes import Daemon, Owner, Process


def holder_daemon(node: Node) -> Daemon:
    """Process 1 of the node, in namespaces of its own."""
    return Daemon(
        name=node.name,
        argv=(sys.executable, "-S", "-E", str(Path(holder.__file__)), str(node.folder), node.name),
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        enter=(
            *("unshare", "--mount", "--uts", "--ipc", "--net", "--pid"),
            *("--fork", "--kill-child"),
        ),
    )


def daemons(
    layout: Layout, node: Node, programs: Mapping[str, Path], owner: Owner
) -> dict[str, Daemon]:
    """The daemons in the node by program name; the node must be held."""
    etc = layout.etc
    addresses = ",".join(layout.pods.chosen(node.ipv4, node.ipv6))
    arguments = {
        "containerd": [f"--config={etc / 'containerd.toml'}"],
        "kubelet": [
            f"--config={etc / node.name}-kubelet.yaml",
            f"--kubeconfig={etc / node.name}.kubeconfig",
            f"--hostname-override={node.name}",
            f"--node-ip={addresses}",
            "--root-dir=/var/lib/kubelet",
            f"--node-labels=kubemu.io/cluster={layout.name}",
        ],
        "kube-proxy": [f"--config={etc / node.name}-proxy.yaml"],
    }
    return {
        program: Daemon(
            name=f"{program}@{node.name}",
            argv=(str(programs[program]), *words),
            enter=tuple(entering(node, owner)),
            env=_environment(programs),
        )
        for program, words in arguments.items()
    }


def entering(node: Node, owner: Owner) -> list[str]:
    """The words in front of a command that is to run in the node; StepFailed if it is down."""
    process = owner.find(node.name)
    if process is None:
        raise StepFailed(
            f"{node.name} is not running.", hint=f"kubemu-cluster node start {node.name}"
        )
    return ["nsenter", "-t", str(process.pid), "-m", "-u", "-i", "-n", "-p", "--"]


def prepare(layout: Layout, node: Node) -> None:
    """Makes the folders and files that the holder binds onto the standard paths."""
    for name, target in holder.FOLDERS.items():
        (node.folder / name).mkdir(parents=True, exist_ok=True)
        Path(target).mkdir(parents=True, exist_ok=True)
    for target in holder.FILES.values():
        if not Path(target).exists():
            Path(target).touch()
    files = {
        "hosts": _hosts(layout),
        "hostname": f"{node.name}\n",
        "machine-id": hashlib.md5(str(node.folder).encode()).hexdigest() + "\n",
        "resolv.conf": "",
    }
    for name, text in files.items():
        (node.folder / name).write_text(text)


def hold(node: Node, owner: Owner) -> Process:
    """The node's holder, started if it does not run, once it has arranged everything."""
    ready = node.folder / "ready"
    if owner.find(node.name) is None:
        ready.unlink(missing_ok=True)
    holder = owner.start(holder_daemon(node))
    tools.wait_until(lambda: ready.exists() or not holder.alive, limit=20)
    if not ready.exists() or not holder.alive:
        log = tools.tail_of(owner.log(node.name))
        raise StepFailed(f"{node.name} could not be set up.", log=log)
    return holder


def _hosts(layout: Layout) -> str:
    address = layout.pods.chosen(layout.ipv4, layout.ipv6)[0]
    lines = ["127.0.0.1 localhost", "::1 localhost", f"{address} registry"]
    lines += [f"{a} {n.name}" for n in layout.nodes for a in (n.ipv4, n.ipv6)]
    return "\n".join(lines) + "\n"


def _environment(programs: Mapping[str, Path]) -> dict[str, str]:
    """containerd finds its shim and runc by PATH."""
    folders = [str(programs[name].parent) for name in ("containerd", "runc")]
    path = ":".join([*folders, "/usr/sbin", "/usr/bin", "/sbin", "/bin"])
    return {"PATH": path, "HOME": "/root"}
