"""Process 1 of a node: arranges the node's own file system view, then reaps orphans for ever.

Runs as a file of its own, in fresh mount, uts, ipc, net and pid namespaces, with the node's folder
and name as arguments. When it dies the kernel ends every process of the node and drops its mounts:
that is the node's teardown, and its power cut.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

FOLDERS = {
    "kubelet": "/var/lib/kubelet",
    "containerd": "/var/lib/containerd",
    "cni-state": "/var/lib/cni",
    "cni-conf": "/etc/cni/net.d",
    "log-pods": "/var/log/pods",
    "log-containers": "/var/log/containers",
    "local-path": "/opt/local-path-provisioner",
}
"""Folder of the node → the standard path where the node sees it."""

FILES = {
    "hosts": "/etc/hosts",
    "hostname": "/etc/hostname",
    "machine-id": "/etc/machine-id",
    "resolv.conf": "/etc/resolv.conf",
}

_FORWARDING = (
    "net/ipv4/ip_forward",
    "net/ipv6/conf/all/forwarding",
    "net/bridge/bridge-nf-call-iptables",
    "net/bridge/bridge-nf-call-ip6tables",
)


def main() -> None:
    folder, name = Path(sys.argv[1]), sys.argv[2]
    _run("mount", "--make-rprivate", "/")
    _run("mount", "-t", "proc", "proc", "/proc")
    _own_sysfs(folder / "cgroups")
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for below in ("lock", "netns"):
        Path("/run", below).mkdir()
    for source, target in (FOLDERS | FILES).items():
        _run("mount", "--bind", str(folder / source), target)
    _run("hostname", name)
    _run("ip", "link", "set", "lo", "up")
    for setting in _FORWARDING:
        Path("/proc/sys", setting).write_text("1")
    # Last: a peer group of the node's own; without it Bidirectional mounts of pods fail.
    _run("mount", "--make-rshared", "/")
    (folder / "ready").touch()
    _reap()


def _own_sysfs(aside: Path) -> None:
    """A /sys that shows this network namespace's devices, with the machine's cgroups in it."""
    aside.mkdir(exist_ok=True)
    _run("mount", "--rbind", "/sys/fs/cgroup", str(aside))
    _run("mount", "-t", "sysfs", "sysfs", "/sys")
    _run("mount", "--rbind", str(aside), "/sys/fs/cgroup")
    _run("umount", "-R", str(aside))


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True)


def _reap() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            pass
        signal.sigwait({signal.SIGCHLD})


if __name__ == "__main__":
    main()
