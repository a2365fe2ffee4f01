"""The cluster is a real one: CRDs explain themselves, kubectl reaches pods, pods have it all."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.kube import Kube, eventually
from tests.e2e.objects import FOREVER, a_pod, a_server

pytestmark = pytest.mark.cluster

MANIFESTS = Path(__file__).parents[2] / "crds" / "manifests"


def test_the_crds_apply_without_a_warning_and_explain_themselves(kube: Kube) -> None:
    said = kube.run("apply", "--server-side", "--force-conflicts", "-f", str(MANIFESTS))
    assert "Warning" not in said
    kube.run("wait", "--for=condition=Established", "-f", str(MANIFESTS))
    eventually(lambda: "virtualmachineinstances" in kube.run("api-resources", "--cached=false"))
    explained = kube.run("explain", "vmi.spec.domain")
    assert re.search(r"DESCRIPTION:\n +\w+", explained)


@contextlib.contextmanager
def forwarded(kube: Kube, namespace: str, pod: str, port: int) -> Iterator[str]:
    """The address on this machine that `kubectl port-forward` gives to a pod's port."""
    command = kube.command("-n", namespace, "port-forward", f"pod/{pod}", f":{port}")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            match = re.match(r"Forwarding from (127\.0\.0\.1:\d+) -> ", said)
            assert match, said
            yield match[1]
        finally:
            process.terminate()


def test_logs_exec_and_port_forward(kube: Kube, namespace: str) -> None:
    kube.apply(namespace, a_server(kube, "p", "node-b"))
    kube.await_ready(namespace, "p")
    assert kube.execute(namespace, "p", "/bin/id", "-u") == "0\n"
    with (
        forwarded(kube, namespace, "p", 8080) as address,
        urllib.request.urlopen(f"http://{address}/", timeout=30) as answer,
    ):
        assert answer.read() == b"hello from p\n"
    kube.apply(namespace, a_pod(kube, "talker", f"echo started; {FOREVER}", "node-a"))
    kube.await_ready(namespace, "talker")
    assert kube.await_log(namespace, "talker", "started") == "started\n"


def test_an_image_volume_is_mounted(kube: Kube, namespace: str) -> None:
    pod = a_pod(
        kube,
        "p",
        f"ls /image/bin/busybox && {FOREVER}",
        container={"volumeMounts": [{"name": "image", "mountPath": "/image"}]},
        volumes=[{"name": "image", "image": {"reference": kube.busybox}}],
    )
    kube.apply(namespace, pod)
    kube.await_ready(namespace, "p")


def test_a_pod_is_resized_in_place(kube: Kube, namespace: str) -> None:
    limits = {"cpu": "100m", "memory": "32Mi"}
    resources = {"resources": {"limits": limits}}
    kube.apply(namespace, a_pod(kube, "p", FOREVER, container=resources))
    kube.await_ready(namespace, "p")
    more = {"limits": {"memory": "64Mi"}, "requests": {"memory": "64Mi"}}
    patch = json.dumps({"spec": {"containers": [{"name": "main", "resources": more}]}})
    kube.run("-n", namespace, "patch", "pod", "p", "--subresource=resize", "-p", patch)

    def resized() -> bool:
        (container,) = kube.core.read_namespaced_pod("p", namespace).status.container_statuses
        assert container.restart_count == 0
        return bool(container.resources.limits["memory"] == "64Mi")

    eventually(resized)
    files = "/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max"
    read = ("/bin/sh", "-c", f"cat {files} 2>/dev/null; true")  # cgroup v1 has one, v2 the other
    assert kube.execute(namespace, "p", *read) == f"{64 * 2**20}\n"
