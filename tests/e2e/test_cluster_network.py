"""Pods reach each other by address, Service, node port and name, in both families."""

from __future__ import annotations

import pytest

from tests.e2e.kube import Kube, eventually
from tests.e2e.objects import FOREVER, a_pod, a_server, a_service

pytestmark = pytest.mark.cluster


def fetch(kube: Kube, namespace: str, pod: str, address: str, port: int) -> str:
    """What a pod gets from an HTTP server, or how that failed."""
    request = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 10 {address} {port} 2>&1; true"
    return kube.execute(namespace, pod, "/bin/sh", "-c", request)


@pytest.mark.parametrize(("here", "there"), [("node-a", "node-b"), ("node-b", "node-a")])
def test_a_pod_talks_to_the_other_node(kube: Kube, namespace: str, here: str, there: str) -> None:
    kube.apply(
        namespace,
        a_server(kube, "server", there),
        a_pod(kube, "client", FOREVER, here),
        a_service("server", "server", type="NodePort", ipFamilyPolicy="RequireDualStack"),
    )
    kube.await_ready(namespace, "server", "client")
    pod, service = (kube.get(namespace, kind, "server") for kind in ("pod", "service"))
    ports = service["spec"]["ports"][0]
    nodes = [
        (address["address"], ports["nodePort"])
        for node in kube.objects("", "nodes")
        for address in node["status"]["addresses"]
        if address["type"] == "InternalIP"
    ]
    targets = [
        *((ip["ip"], 8080) for ip in pod["status"]["podIPs"]),
        *((ip, 80) for ip in service["spec"]["clusterIPs"]),
        *nodes,
    ]
    assert len(targets) == 2 + 2 + 4
    for address, port in targets:
        eventually(lambda a=address, p=port: "hello" in fetch(kube, namespace, "client", a, p))  # type: ignore[misc]


def test_a_service_has_a_name(kube: Kube, namespace: str) -> None:
    kube.apply(
        namespace,
        a_pod(kube, "client", FOREVER),
        a_service("server", "server", ipFamilyPolicy="RequireDualStack"),
    )
    kube.await_ready(namespace, "client")
    name = f"server.{namespace}.svc.cluster.local"
    addresses = set(kube.get(namespace, "service", "server")["spec"]["clusterIPs"])

    def looked_up(name: str) -> str:
        ask = f"/bin/busybox nslookup {name} 2>&1; true"
        return kube.execute(namespace, "client", "/bin/sh", "-c", ask)

    eventually(lambda: all(f"Address: {address}\n" in looked_up(name) for address in addresses))
    assert "can't find" in looked_up("example.com")
    search = kube.execute(namespace, "client", "/bin/cat", "/etc/resolv.conf")
    assert f"search {namespace}.svc.cluster.local svc.cluster.local" in search
