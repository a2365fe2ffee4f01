"""A launcher in what a pod is to virt-handler: a control group, a network and a folder of its own.

No container runtime: the real launcher, as root's child, in the pod's network namespace, with a
mount namespace in which the volumes are where a pod would have them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import virtcrds
from images.guests.catalog import Guest
from tests.integration.netplumb.pods import Pod
from virtcrds import VirtualMachineInstance

_JOIN = 'echo $$ > "$GROUP/cgroup.procs" && exec "$@"'
_MOUNT = """
set -e
mount -t tmpfs none /var/lib
mkdir "$RUN/disks"
mount -t tmpfs -o size=16m none "$RUN/disks"
for volume in $VOLUMES; do
    target=/var/lib/kubemu/volumes/${volume%%=*}
    mkdir -p "$target"
    mount --bind "${volume#*=}" "$target"
done
exec "$@"
"""
_PATIENCE = 60


class PodLike:
    """One pod with a launcher in it, on a node whose pods are below `pods`."""

    def __init__(self, pods: Path, volumes: Mapping[str, Path], uid: str = "") -> None:
        self.uid = uid or str(uuid.uuid4())
        self.pods = pods
        self.sockets = pods / self.uid / "volumes" / "kubernetes.io~empty-dir" / "sockets"
        self.run_dir = pods / self.uid / "run"
        self.network = Pod()
        self.argv: tuple[str, ...] = (
            *(sys.executable, "-P", "-m", "virtlauncher", "--standalone"),
            *("--run-dir", str(self.run_dir), "--socket", str(self.sockets / "launcher.sock")),
            *("--termination-log", str(self.run_dir / "termination")),
        )
        self._volumes = volumes
        self._group = _groups() / f"pod{self.uid}"
        self._log = pods / f"{self.uid}.log"

    def __enter__(self) -> PodLike:
        self.network.__enter__()
        self.sockets.mkdir(parents=True)
        self.run_dir.mkdir(mode=0o700)
        self._group.mkdir()
        self.process = self._spawn()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        print(f"--- launcher\n{self._log.read_text(errors='replace')}\n--- console\n{self.console}")
        while (self._group / "cgroup.procs").read_text():  # QEMU follows a killed launcher.
            time.sleep(0.01)
        self._group.rmdir()
        self.network.__exit__()

    def _spawn(self) -> subprocess.Popen[bytes]:
        words = (
            *("sh", "-c", _JOIN, "sh"),
            *("ip", "netns", "exec", self.network.name),
            *("sh", "-c", _MOUNT, "sh", *self.argv),
        )
        volumes = " ".join(f"{name}={path}" for name, path in self._volumes.items())
        with self._log.open("ab") as log:
            return subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "GROUP": str(self._group),
                    "RUN": str(self.run_dir),
                    "VOLUMES": volumes,
                },
                start_new_session=True,
            )

    def make_room(self) -> None:
        """Give the folder of its disks, which has 16 MiB, more of them."""
        enter = ("nsenter", "-t", str(self.process.pid), "-m")
        more = ("mount", "-o", "remount,size=256m", str(self.run_dir / "disks"))
        subprocess.run((*enter, *more), check=True)

    @property
    def last_words(self) -> str:
        """The termination message."""
        return (self.run_dir / "termination").read_text()

    @property
    def console(self) -> str:
        """What the guest has printed."""
        try:
            return (self.run_dir / "console.log").read_text(errors="replace")
        except FileNotFoundError:
            return ""


def _groups() -> Path:
    """Where a group can be made, under either version of control groups."""
    root = Path("/sys/fs/cgroup")
    return root if (root / "cgroup.controllers").exists() else root / "pids"


def qemu_of(pod: PodLike) -> int:
    """The launcher's child that is QEMU."""
    pid = pod.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return next(int(one) for one in children if "qemu" in Path(f"/proc/{one}/comm").read_text())


@contextlib.contextmanager
def pod_like(pods: Path, guest: Guest, uid: str = "") -> Iterator[PodLike]:
    with PodLike(pods, {"kernel-boot": guest.folder}, uid) as pod:
        yield pod


WRITER = """#!/bin/sh
dd if=/dev/zero of=/dev/vda bs=1M count=32 && echo it is written
"""


def a_writing_vmi(pod: PodLike) -> dict[str, Any]:
    """One that writes more to its empty disk than there is room for."""
    vmi = a_vmi(
        pod,
        volumes=[
            {"name": "scratch", "emptyDisk": {"capacity": "64Mi"}},
            {"name": "seed", "cloudInitNoCloud": {"userData": WRITER}},
        ],
    )
    vmi["spec"]["domain"]["devices"]["disks"] = [
        {"name": name, "disk": {"bus": "virtio"}} for name in ("scratch", "seed")
    ]
    return vmi


def a_vmi(pod: PodLike, **spec: Any) -> dict[str, Any]:
    """The tiny guest, booted directly, on the pod's network: as the controller hands it over."""
    document = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {
            "name": "tiny",
            "namespace": "default",
            "uid": str(uuid.uuid4()),
            "resourceVersion": "1",
        },
        "spec": {
            "terminationGracePeriodSeconds": 60,
            "domain": {
                "memory": {"guest": "128Mi"},
                "firmware": {
                    "kernelBoot": {
                        "kernelArgs": "console=ttyS0 quiet",
                        "container": {
                            "image": "unused",
                            "kernelPath": "/vmlinuz",
                            "initrdPath": "/initrd",
                        },
                    }
                },
                "devices": {"interfaces": [{"name": "default", "masquerade": {}}]},
            },
            "networks": [{"name": "default", "pod": {}}],
            **spec,
        },
        "status": {"phase": "Scheduled", "activePods": {pod.uid: "node-x"}, "nodeName": "node-x"},
    }
    parsed = virtcrds.parse(document).object
    assert isinstance(parsed, VirtualMachineInstance)
    return {**virtcrds.default(parsed).to_json(), "status": document["status"]}
