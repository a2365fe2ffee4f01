"""The cluster is a real one: pods reach each other, kubectl works, claims become volumes."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.kube import Kube, Refused, eventually
from tests.e2e.objects import FOREVER, a_claim, a_pod, a_server, a_service, a_user_of

pytestmark = pytest.mark.cluster

MANIFESTS = Path(__file__).parents[2] / "crds" / "manifests"


def fetch(kube: Kube, namespace: str, pod: str, address: str, port: int) -> str:
    request = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 10 {address} {port} 2>&1; true"
    return kube.execute(namespace, pod, "/bin/sh", "-c", request)


def test_the_crds_apply_without_a_warning_and_explain_themselves(kube: Kube) -> None:
    said = kube.run("apply", "--server-side", "--force-conflicts", "-f", str(MANIFESTS))
    assert "Warning" not in said
    kube.run("wait", "--for=condition=Established", "-f", str(MANIFESTS))
    eventually(lambda: "virtualmachineinstances" in kube.run("api-resources", "--cached=false"))
    explained = kube.run("explain", "vmi.spec.domain")
    assert re.search(r"DESCRIPTION:\n +\w+", explained)


@pytest.mark.parametrize(("here", "there"), [("node-a", "node-b"), ("node-b", "node-a")])
def test_a_pod_talks_to_the_other_node(kube: Kube, namespace: str, here: str, there: str) -> None:
    service = a_service("server", "server", type="NodePort", ipFamilyPolicy="RequireDualStack")
    client = a_pod(kube, "client", FOREVER, here)
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
    assert kube.logs(namespace, "p") == "started\n"
    assert kube.execute(namespace, "p", "/bin/id", "-u") == "0\n"
    command = kube.command("-n", namespace, "port-forward", "pod/p", ":8080")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as forward:
        assert forward.stdout is not None
        said = forward.stdout.readline()
        forward.terminate()
    assert re.match(r"Forwarding from 127\.0\.0\.1:\d+ -> 8080", said)


def test_a_block_claim_is_a_device_and_a_loop_claim_fills_to_the_brim(
    kube: Kube, namespace: str
) -> None:
    fill = "dd if=/dev/zero of=/full/x bs=1M 2>/tmp/said; cat /tmp/said; ls -l /dev/raw"
    claims = {"raw": "/dev/raw", "full": "/full", "folder": "/folder"}
    script = f"{fill}; echo ok >/folder/x; cat /folder/x; {FOREVER}"
    kube.apply(
        namespace,
        a_claim("raw", storageClassName="loop", volumeMode="Block"),
        a_claim("full", storageClassName="loop"),
        a_claim("folder"),
        a_user_of(kube, claims, "p", script),
    )
    kube.await_ready(namespace, "p")
    logs = ""

    def finished() -> bool:
        nonlocal logs
        logs = kube.logs(namespace, "p")
        return logs.endswith("ok\n")

    eventually(finished)
    assert "No space left on device" in logs
    assert re.search(r"^b.* /dev/raw$", logs, re.M)


def test_a_shared_claim_is_one_folder_on_both_nodes(kube: Kube, namespace: str) -> None:
    until = "until cat /s/x; do sleep 1; done"
    kube.apply(
        namespace,
        a_claim("s", storageClassName="shared", accessModes=["ReadWriteMany"]),
        a_user_of(kube, {"s": "/s"}, "writer", f"echo ok >/s/x; {FOREVER}", "node-a"),
        a_user_of(kube, {"s": "/s"}, "reader", f"{until}; {FOREVER}", "node-b"),
    )
    kube.await_ready(namespace, "writer", "reader")
    eventually(lambda: kube.logs(namespace, "reader").endswith("ok\n"))


@pytest.mark.restricted
def test_a_restricted_namespace_refuses_privilege(kube: Kube, namespace: str) -> None:
    with pytest.raises(Refused, match="violates PodSecurity"):
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
