"""What this machine must have, asked before anything is changed; and its loop devices."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

from . import tools
from .errors import NotPossible
from .layout import Layout
from .processes import Owner

_TOOLS = {
    "ip": "iproute2",
    "unshare": "util-linux",
    "nft": "nftables",
    "conntrack": "conntrack",
    "skopeo": "skopeo",
    "docker-registry": "docker-registry",
    "busybox": "busybox-static",
    "gcc": "gcc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "/usr/lib/cni/portmap": "containernetworking-plugins",
}
_NEEDED_SPACE = 3 * 1024**3


def require_root() -> None:
    """Nodes are namespaces, mounts and cgroups: only root makes them."""
    if os.geteuid() != 0:
        raise NotPossible("kubemu-cluster needs root.", hint="Run it with sudo.")


def require_tools() -> None:
    """NotPossible with the packages to install, the kernel's module to load, or the full disk."""
    missing = sorted({package for tool, package in _TOOLS.items() if shutil.which(tool) is None})
    if missing:
        raise NotPossible(
            "This machine lacks programs that the cluster needs.",
            hint=f"apt-get install {' '.join(missing)}",
        )
    if not Path("/proc/sys/net/bridge").exists():
        raise NotPossible("The kernel's br_netfilter is missing.", hint="modprobe br_netfilter")
    if not _mountable("overlay"):
        raise NotPossible("The kernel's overlay file system is missing.", hint="modprobe overlay")
    free = shutil.disk_usage("/var/lib").free
    if free < _NEEDED_SPACE:
        raise NotPossible(
            f"/var/lib has {free // 1024**2} MiB left; a cluster needs 3 GiB.", hint="Make room."
        )


def require_free_ports(layout: Layout, owner: Owner) -> None:
    """NotPossible when a port of a daemon that does not run yet is taken by somebody else."""
    wanted = {
        "etcd": (2379, 2380),
        "kube-apiserver": (6443,),
        "kube-controller-manager": (10257,),
        "kube-scheduler": (10259,),
        "registry": (5000,),
    }
    for component, ports in wanted.items():
        for port in map(layout.port, ports):
            if owner.find(component) is None and listens("127.0.0.1", port):
                raise NotPossible(
                    f"Port {port}, which {component} needs, is in use.",
                    hint=f"`ss -ltnp sport = :{port}` shows by whom.",
                )


def listens(address: str, port: int) -> bool:
    """Whether something answers there."""
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False


def detach_loops(folder: Path) -> None:
    """Detaches the loop devices whose files are below a folder."""
    devices = _loops()
    ours = [loop for loop in devices if (loop["back-file"] or "").startswith(f"{folder}/")]
    # A kubelet puts a second device on a block volume as its lock; a killed node leaves it.
    inodes = {Path(loop["name"]).stat().st_ino for loop in ours}
    locks = [loop for loop in devices if loop["back-ino"] in inodes and loop not in ours]
    for loop in (*locks, *ours):
        tools.run(["losetup", "-d", loop["name"]])


def _loops() -> list[dict[str, Any]]:
    """The machine's loop devices: name, file behind it, that file's inode."""
    columns = "NAME,BACK-FILE,BACK-INO"
    listing = tools.output(["losetup", "--list", "--json", "-O", columns])
    found: list[dict[str, Any]] = json.loads(listing)["loopdevices"] if listing else []
    return found


def _mountable(kind: str) -> bool:
    known = {line.split()[-1] for line in Path("/proc/filesystems").read_text().splitlines()}
    return kind in known
