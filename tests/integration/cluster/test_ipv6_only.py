"""`--pods ipv6`: pods and Services without an IPv4 address; everything else as ever."""

from __future__ import annotations

import pytest

from kubemucluster import health
from kubemucluster.layout import Pods
from tests.e2e.kube import Kube, eventually
from tests.e2e.objects import FOREVER, a_claim, a_pod, a_server, a_service, a_user_of
from tests.integration.cluster.lives import up


@pytest.mark.usefixtures("no_cluster")
def test_pods_have_no_ipv4_and_reach_each_other_by_name_and_address() -> None:
    made = up(Pods.IPV6)
    assert health.is_up(made)
    kube = Kube.of(made.layout.kubeconfig)
    eventually(lambda: kube.objects("default", "serviceaccount") != [])
    kube.apply(
        "default",
        a_server(kube, "server", "node-b"),
        a_pod(kube, "client", FOREVER, "node-a"),
        a_service("server", "server", type="NodePort"),
        a_claim("c"),
        a_user_of(kube, {"c": "/c"}, "user", FOREVER),
    )
    kube.await_ready("default", "server", "client", "user")
    (pod_ip,) = [ip["ip"] for ip in kube.get("default", "pod", "server")["status"]["podIPs"]]
    service = kube.get("default", "service", "server")["spec"]
    node_port = service["ports"][0]["nodePort"]
    (service_ip,) = service["clusterIPs"]
    targets = {pod_ip: 8080, service_ip: 80, made.node("node-a").ipv6: node_port}
    assert all(":" in address for address in targets)

    def run(script: str) -> str:
        return kube.execute("default", "client", "/bin/sh", "-c", f"{script} 2>&1; true")

    for address, port in targets.items():
        fetch = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 10 {address} {port}"
        eventually(lambda fetch=fetch: "hello from server" in run(fetch))  # type: ignore[misc]
    look_up = "/bin/busybox nslookup -type=aaaa server.default.svc.cluster.local"
    eventually(lambda: f"Address: {service_ip}\n" in run(look_up))
    addresses = run("/bin/busybox ip address show dev eth0")
    assert "inet6 fd00:10:" in addresses
    assert "inet " not in addresses
