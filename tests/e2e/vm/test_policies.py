"""Who may not write what: by policies inside the API server."""

from __future__ import annotations

import pytest

from tests.e2e.kube import Kube, Refused
from tests.e2e.vm.machines import Machines, tiny, vmi
from virtoperator.kinds import NODE
from virtoperator.kube import ApiError, Server, connected

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]
HALTED = {"nodeSelector": {"there-is": "none"}}


def test_nobody_else_writes_a_vmis_status(machines: Machines) -> None:
    machines.apply(vmi("a", {**tiny(), **HALTED}))
    for change in (
        {"status": {"phase": "Running"}},
        {"metadata": {"labels": {"kubevirt.io/nodeName": "node-a"}}},
        {"metadata": {"labels": {"node.kubemu.io/0123456789ab": ""}}},
    ):
        with pytest.raises(Refused, match="virt-controller"):
            machines.kube.patch(machines.namespace, "vmi", "a", change)
    machines.kube.patch(machines.namespace, "vmi", "a", {"metadata": {"labels": {"mine": "1"}}})


def test_a_vmi_is_not_created_as_if_it_ran(machines: Machines) -> None:
    with pytest.raises(Refused, match="virt-controller"):
        machines.apply({**vmi("a", tiny()), "status": {"phase": "Running", "nodeName": "node-a"}})


def test_nobody_else_makes_launcher_pods(installed: Kube, namespace: str) -> None:
    container = {"name": "compute", "image": installed.busybox, "command": ["sleep", "1"]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "fake", "labels": {"kubevirt.io": "virt-launcher"}},
        "spec": {"containers": [container]},
    }
    with pytest.raises(Refused, match="virt-controller only"):
        installed.apply(namespace, pod)
    del pod["metadata"]["labels"]  # type: ignore[attr-defined]
    installed.apply(namespace, pod)
    change = {"metadata": {"labels": {"kubevirt.io": "virt-launcher"}}}
    with pytest.raises(Refused, match="virt-controller only"):
        installed.patch(namespace, "pod", "fake", change)


async def test_a_handler_writes_nothing_of_another_node(installed: Kube) -> None:
    [first, second] = sorted(node["metadata"]["name"] for node in installed.objects("", "nodes"))
    handlers = installed.objects("kubevirt", "pods", "kubevirt.io=virt-handler")
    pod = next(one for one in handlers if one["spec"]["nodeName"] == first)["metadata"]
    words = ("-n", "kubevirt", "create", "token", "kubevirt-handler")
    bound = (f"--bound-object-name={pod['name']}", f"--bound-object-uid={pod['uid']}")
    token = installed.run(*words, "--bound-object-kind=Pod", *bound).strip()
    admin = Server.of_kubeconfig(installed.kubeconfig)
    change = {"metadata": {"annotations": {"probe": None}}}
    async with connected(Server(url=admin.url, ca_file=admin.ca_file, token=token)) as api:
        with pytest.raises(ApiError, match="own node only"):
            await api.patch(NODE, None, second, change)
        await api.patch(NODE, None, first, change)
