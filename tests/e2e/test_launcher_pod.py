"""The launcher in a pod: the image that `make images` makes, and nothing of ours around it.

The test is the pod's virt-handler: it reaches the launcher's socket through the node's root, and
hands it a VMI.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from images.packing import ImageName
from images.programs import publish
from images.programs.names import Program
from kubemucluster import cluster as clusters
from tests.e2e.kube import Kube, Object
from virtcrds import VirtualMachineInstance, default, parse
from virtlauncher import client
from virtlauncher.facts import Accel, Facts, Nic, NicKind, Qemu, Source, SourceKind
from virtlauncher.jsonable import from_jsonable

pytestmark = [pytest.mark.cluster, pytest.mark.root, pytest.mark.guest, pytest.mark.timeout(600)]

PATIENCE = 240.0
RUN, DISK = "/run/kubemu", "/var/lib/kubemu/volumes/root"
USER_DATA = "#!/bin/sh\necho hello from a pod\n"


@pytest.fixture(scope="session")
def image(kube: Kube) -> str:
    """The launcher's image, as this tree makes it."""
    if clusters.existing("kubemu") is None:
        pytest.skip("the launcher's socket is reached only on the nodes of the local cluster")
    push = publish.to_cluster()
    publish.publish(ImageName.TINY, push)
    return publish.publish(Program.LAUNCHER, push)[-1]


def a_launcher(image: str) -> Object:
    """A pod as virt-controller makes them, as far as the launcher is concerned."""
    folders = {"run": RUN, "sockets": f"{RUN}/sockets", "disks": f"{RUN}/disks", "tmp": "/tmp"}
    volumes: list[Object] = [
        {"name": name, "emptyDir": {"medium": "Memory"} if name == "run" else {}}
        for name in folders
    ]
    volumes.append({"name": "root", "image": {"reference": "registry:5000/kubemu/tiny:devel"}})
    container = {
        "name": "compute",
        "image": image,
        "args": [f"--run-dir={RUN}", f"--socket={RUN}/sockets/launcher.sock"],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": name, "mountPath": path} for name, path in (folders | {"root": DISK}).items()
        ],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        # The finalizer keeps the pod's last words until the test has read them.
        "metadata": {"name": "vm", "finalizers": ["kubemu.io/test"]},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 60,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 107,
                "runAsGroup": 107,
                "fsGroup": 107,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": volumes,
        },
    }


def a_machine() -> VirtualMachineInstance:
    disks = [{"name": name, "disk": {"bus": "virtio"}} for name in ("root", "seed")]
    document = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": "vm", "namespace": "default", "uid": "u-1"},
        "spec": {
            "domain": {"memory": {"guest": "128Mi"}, "devices": {"disks": disks}},
            "volumes": [
                {"name": "root", "containerDisk": {"image": "registry:5000/kubemu/tiny:devel"}},
                {"name": "seed", "cloudInitNoCloud": {"userData": USER_DATA}},
            ],
        },
    }
    vmi = parse(document).object
    assert isinstance(vmi, VirtualMachineInstance)
    return default(vmi)


def the_facts(kube: Kube, namespace: str) -> Facts:
    kube.execute(namespace, "vm", "virt-launcher-probe", "--out=/tmp/facts.json")
    probed = json.loads(kube.execute(namespace, "vm", "cat", "/tmp/facts.json"))
    return Facts(
        qemu=from_jsonable(Qemu, probed["qemu"]),
        accel=Accel.TCG,
        volumes={"root": Source(kind=SourceKind.DIR, path=DISK, readonly=True)},
        nics={"default": Nic(kind=NicKind.USER, mac="02:00:00:00:00:01")},
        run_dir=RUN,
        disk_dir=f"{RUN}/disks",
    )


def socket_on_the_node(pod: Object) -> Path:
    cluster = clusters.required("kubemu")
    node = cluster.owner.find(pod["spec"]["nodeName"])
    assert node is not None
    volumes = f"var/lib/kubelet/pods/{pod['metadata']['uid']}/volumes/kubernetes.io~empty-dir"
    return Path("/proc", str(node.pid), "root", volumes, "sockets/launcher.sock")


def read_until(console: socket.socket, word: str) -> str:
    text = ""
    console.settimeout(PATIENCE)
    while word not in text:
        data = console.recv(4096)
        assert data, f"the console ended without {word!r}: {text}"
        text += data.decode(errors="replace")
    return text


@pytest.mark.restricted
async def test_a_guest_boots_in_a_restricted_pod_and_is_powered_down_with_it(
    kube: Kube, namespace: str, image: str
) -> None:
    kube.apply(namespace, a_launcher(image))
    kube.await_ready(namespace, "vm")
    facts = the_facts(kube, namespace)
    assert facts.qemu.version >= (10, 0, 0)
    path = socket_on_the_node(kube.get(namespace, "pod", "vm"))
    async with client.connect(path, role="virt-handler", within=PATIENCE) as launcher:
        wanted = {"vmi": a_machine().to_json(), "facts": facts.to_json()}
        started = await launcher.call("start", wanted, within=PATIENCE)
        assert started.result["state"]["name"] == "running"
        reply = await launcher.call("console", within=PATIENCE)
        with socket.socket(fileno=reply.fds["console"]) as console:
            said = await asyncio.to_thread(read_until, console, "ready uptime")
        assert "hello from a pod" in said
        assert "hello from a pod" in kube.execute(namespace, "vm", "cat", f"{RUN}/console.log")
        running = kube.execute(namespace, "vm", "qmp", "query-status")
        assert json.loads(running)["status"] == "running"
        kube.delete(namespace, "pod", "vm", wait=False)
        async with asyncio.timeout(PATIENCE):
            ending: dict[str, Any] = (await launcher.until("ended"))["ending"]
    assert ending["kind"] == "guest-shutdown"
    kube.wait(namespace, "pod", "vm", ".status.phase", "Succeeded")
    (container,) = kube.get(namespace, "pod", "vm")["status"]["containerStatuses"]
    assert container["state"]["terminated"]["message"] == ending["message"]


def test_the_image_has_everything_compiled(kube: Kube, namespace: str, image: str) -> None:
    kube.apply(namespace, a_launcher(image))
    kube.await_ready(namespace, "vm")
    script = "import asyncio, virtlauncher.builder.process, virtlauncher.resident.app"
    argv = ("python3", "-I", "-v", "-c", script)
    done = subprocess.run(
        kube.command("-n", namespace, "exec", "vm", "--", *argv), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    from_source = re.findall(r"^# code object from '?(/\S+\.py)\b", done.stderr, re.M)
    assert "matches" in done.stderr and from_source == []


@pytest.fixture(autouse=True)
def _released(kube: Kube, namespace: str) -> Any:
    """Without its finalizer the pod goes with the namespace."""
    yield
    for pod in kube.objects(namespace, "pod"):
        name = pod["metadata"]["name"]
        kube.patch(namespace, "pod", name, {"metadata": {"finalizers": None}})
