"""The cluster is a real one: pods reach each other, kubectl works, claims become volumes."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.kube import Kube, eventually

pytestmark = pytest.mark.cluster

MANIFESTS = Path(__file__).parents[2] / "crds" / "manifests"


def a_pod(kube: Kube, name: str, script: str, node: str = "", **spec: Any) -> dict[str, Any]:
    container = {"name": "main", "image": kube.busybox, "command": ["/bin/sh", "-c", script]}
    container |= spec.pop("container", {})
    placed = {"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container], **placed, **spec},
    }


def a_server(kube: Kube, name: str, node: str) -> dict[str, Any]:
    script = f"echo hello from {name} >/tmp/index.html; exec httpd -f -p 8080 -h /tmp"
    return a_pod(kube, name, script, node)


def a_claim(name: str, **spec: Any) -> dict[str, Any]:
    size = {"requests": {"storage": "16Mi"}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": size, **spec},
    }


def fetch(kube: Kube, namespace: str, pod: str, address: str, port: int) -> str:
    request = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 10 {address} {port} 2>&1; true"
    return kube.run("-n", namespace, "exec", pod, "--", "/bin/sh", "-c", request)


def test_the_crds_apply_without_a_warning_and_explain_themselves(kube: Kube) -> None:
    said = kube.run("apply", "--server-side", "--force-conflicts", "-f", str(MANIFESTS))
    assert "Warning" not in said
    kube.run("wait", "--for=condition=Established", "-f", str(MANIFESTS))
    eventually(lambda: "virtualmachineinstances" in kube.run("api-resources", "--cached=false"))
    explained = kube.run("explain", "vmi.spec.domain")
    assert re.search(r"DESCRIPTION:\n +\w+", explained)


@pytest.mark.parametrize(("here", "there"), [("node-a", "node-b"), ("node-b", "node-a")])
def test_a_pod_talks_to_the_other_node(kube: Kube, namespace: str, here: str, there: str) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "server"},
        "spec": {
            "type": "NodePort",
            "ipFamilyPolicy": "RequireDualStack",
            "selector": {"app": "server"},
            "ports": [{"port": 80, "targetPort": 8080}],
        },
    }
    client = a_pod(kube, "client", "exec sleep 3600", here)
    kube.apply(namespace, a_server(kube, "server", there), client, service)
    kube.await_ready(namespace, "server", "client")
    pod = kube.core.read_namespaced_pod("server", namespace)
    made = kube.core.read_namespaced_service("server", namespace)
    nodes = {node.metadata.name: node for node in kube.core.list_node().items}
    host = next(a.address for a in nodes[here].status.addresses if a.type == "InternalIP")
    targets = [(ip.ip, 8080) for ip in pod.status.pod_ips]
    targets += [(ip, 80) for ip in made.spec.cluster_ips]
    targets += [(host, made.spec.ports[0].node_port)]
    for address, port in targets:
        eventually(lambda a=address, p=port: "hello" in fetch(kube, namespace, "client", a, p))  # type: ignore[misc]


def test_logs_exec_and_port_forward(kube: Kube, namespace: str) -> None:
    kube.apply(namespace, a_pod(kube, "p", "echo started; exec httpd -f -p 8080 -h /bin", "node-b"))
    kube.await_ready(namespace, "p")
    assert kube.run("-n", namespace, "logs", "p") == "started\n"
    assert kube.run("-n", namespace, "exec", "p", "--", "/bin/id", "-u") == "0\n"
    command = [str(kube.kubectl), f"--kubeconfig={kube.kubeconfig}", "-n", namespace]
    with subprocess.Popen(
        [*command, "port-forward", "pod/p", ":8080"], stdout=subprocess.PIPE, text=True
    ) as forward:
        assert forward.stdout is not None
        said = forward.stdout.readline()
        forward.terminate()
    assert re.match(r"Forwarding from 127\.0\.0\.1:\d+ -> 8080", said)


def test_a_block_claim_is_a_device_and_a_loop_claim_fills_to_the_brim(
    kube: Kube, namespace: str
) -> None:
    fill = "dd if=/dev/zero of=/full/x bs=1M 2>/tmp/said; cat /tmp/said; ls -l /dev/raw"
    pod = a_pod(
        kube,
        "p",
        f"{fill}; echo ok >/folder/x; cat /folder/x; exec sleep 3600",
        container={
            "volumeDevices": [{"name": "raw", "devicePath": "/dev/raw"}],
            "volumeMounts": [
                {"name": "full", "mountPath": "/full"},
                {"name": "folder", "mountPath": "/folder"},
            ],
        },
        volumes=[
            {"name": name, "persistentVolumeClaim": {"claimName": name}}
            for name in ("raw", "full", "folder")
        ],
    )
    kube.apply(
        namespace,
        a_claim("raw", storageClassName="loop", volumeMode="Block"),
        a_claim("full", storageClassName="loop"),
        a_claim("folder"),
        pod,
    )
    kube.await_ready(namespace, "p")
    logs = ""

    def finished() -> bool:
        nonlocal logs
        logs = kube.run("-n", namespace, "logs", "p")
        return logs.endswith("ok\n")

    eventually(finished)
    assert "No space left on device" in logs
    assert re.search(r"^b.* /dev/raw$", logs, re.M)


def test_a_shared_claim_is_one_folder_on_both_nodes(kube: Kube, namespace: str) -> None:
    def user(name: str, node: str, script: str) -> dict[str, Any]:
        mount = {"volumeMounts": [{"name": "s", "mountPath": "/s"}]}
        claim = [{"name": "s", "persistentVolumeClaim": {"claimName": "s"}}]
        return a_pod(kube, name, script, node, container=mount, volumes=claim)

    kube.apply(
        namespace,
        a_claim("s", storageClassName="shared", accessModes=["ReadWriteMany"]),
        user("writer", "node-a", "echo ok >/s/x; exec sleep 3600"),
        user("reader", "node-b", "until cat /s/x; do sleep 1; done; exec sleep 3600"),
    )
    kube.await_ready(namespace, "writer", "reader")
    eventually(lambda: kube.run("-n", namespace, "logs", "reader").endswith("ok\n"))


@pytest.mark.restricted
def test_a_restricted_namespace_refuses_privilege(kube: Kube, namespace: str) -> None:
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        kube.apply(namespace, a_pod(kube, "p", "exit 0"))


def test_an_image_volume_is_mounted(kube: Kube, namespace: str) -> None:
    pod = a_pod(
        kube,
        "p",
        "ls /image/bin/busybox && exec sleep 3600",
        container={"volumeMounts": [{"name": "image", "mountPath": "/image"}]},
        volumes=[{"name": "image", "image": {"reference": kube.busybox}}],
    )
    kube.apply(namespace, pod)
    kube.await_ready(namespace, "p")


def test_a_pod_is_resized_in_place(kube: Kube, namespace: str) -> None:
    limits = {"cpu": "100m", "memory": "32Mi"}
    resources = {"resources": {"limits": limits}}
    kube.apply(namespace, a_pod(kube, "p", "exec sleep 3600", container=resources))
    kube.await_ready(namespace, "p")
    more = {"limits": {"memory": "64Mi"}, "requests": {"memory": "64Mi"}}
    patch = json.dumps({"spec": {"containers": [{"name": "main", "resources": more}]}})
    kube.run("-n", namespace, "patch", "pod", "p", "--subresource=resize", "-p", patch)

    def resized() -> bool:
        (container,) = kube.core.read_namespaced_pod("p", namespace).status.container_statuses
        assert container.restart_count == 0
        return bool(container.resources.limits["memory"] == "64Mi")

    eventually(resized)
