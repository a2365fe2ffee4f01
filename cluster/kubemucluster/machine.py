"""What this machine must have, asked before anything is changed; its mounts and loop devices."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

from . import tools
from .errors import NotPossible, StepFailed
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
_FULL = 32 * 1024**2
_IP_FREEBIND = 15  # from <linux/in.h>; the socket module does not know it


def require_root() -> None:
    """Nodes are namespaces, mounts and cgroups: only root makes them."""
    if os.geteuid() != 0:
        raise NotPossible("kubemu-cluster needs root.", hint="Run it with sudo.")


def require_tools() -> None:
    """NotPossible with the packages to install."""
    missing = sorted({package for tool, package in _TOOLS.items() if shutil.which(tool) is None})
    if missing:
        raise NotPossible(
            "This machine lacks programs that the cluster needs.",
            hint=f"apt-get install {' '.join(missing)}",
        )


def require_modules() -> None:
    """Loads the kernel's modules that nothing else would load; NotPossible without them."""
    wanted = {"br_netfilter": _filters_bridges, "overlay": _knows_overlay}
    for module, is_there in wanted.items():
        if not is_there():
            with contextlib.suppress(StepFailed):  # no modprobe, or no such file: as good as none
                tools.run(["modprobe", module])
        if not is_there():
            raise NotPossible(
                f"The kernel's module {module} is missing.",
                hint=f"`modprobe {module}` says why; a kernel may also have it built in.",
            )


def require_space(folder: Path) -> None:
    """NotPossible when a cluster would not fit."""
    free = shutil.disk_usage(folder).free
    if free < _NEEDED_SPACE:
        raise NotPossible(
            f"{folder} has {free // 1024**2} MiB left; a cluster needs 3 GiB.", hint="Make room."
        )


def is_full(folder: Path) -> bool:
    """Whether what failed here may have failed for want of space."""
    return shutil.disk_usage(folder).free < _FULL


def require_free_ports(layout: Layout, owner: Owner) -> None:
    """NotPossible when a port of a daemon that does not run yet is taken by somebody else."""
    wanted = {
        "etcd": [("127.0.0.1", 2379), ("127.0.0.1", 2380)],
        "kube-apiserver": [("::", 6443)],
        "kube-controller-manager": [("127.0.0.1", 10257)],
        "kube-scheduler": [("127.0.0.1", 10259)],
        "registry": [(layout.ipv4, 5000)],
    }
    for component, sockets in wanted.items():
        if owner.find(component):
            continue
        for address, port in ((address, layout.port(default)) for address, default in sockets):
            if not _is_free(address, port):
                raise NotPossible(
                    f"Port {port}, which {component} needs, is in use.",
                    hint=f"`ss -ltnp sport = :{port}` shows by whom.",
                )


def _is_free(address: str, port: int) -> bool:
    """Whether one may listen there, on an address that the machine has or is going to have."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
        try:
            probe.bind((address, port))
            probe.listen()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def listens(address: str, port: int) -> bool:
    """Whether something answers there."""
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False


def unmount_below(folder: Path) -> None:
    """Unmounts what is mounted below a folder, so that removing it removes nothing else."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    for point in reversed(points):  # what was mounted last may lie on what came before
        if point.startswith(f"{folder}/"):
            tools.run(["umount", point])


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


def _filters_bridges() -> bool:
    return Path("/proc/sys/net/bridge").exists()


def _knows_overlay() -> bool:
    return "overlay" in Path("/proc/filesystems").read_text().split()
