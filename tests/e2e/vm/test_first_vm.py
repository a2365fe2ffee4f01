"""A user's first VM: applied, Ready, seen, reached, and gone without a trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.kube import eventually
from tests.e2e.vm.machines import READY, Machines, tiny, vmi

pytestmark = [pytest.mark.cluster, pytest.mark.guest, pytest.mark.timeout(300)]
EXAMPLE = Path(__file__).resolve().parents[3] / "examples/vm-tiny.yaml"


@pytest.mark.restricted
def test_the_example_becomes_ready_in_a_restricted_namespace(machines: Machines) -> None:
    kube, namespace = machines.kube, machines.namespace
    kube.apply_file(EXAMPLE, namespace)
    kube.run("-n", namespace, "wait", "vm", "tiny", "--for=condition=Ready", "--timeout=110s")
    machines.await_console("tiny", READY)
    assert "hello from user-data on tiny" in machines.console("tiny")
    assert machines.status("tiny") == "Running"
    table = kube.run("-n", namespace, "get", "vm,vmi")
    assert "STATUS" in table and "READY" in table
    assert "PHASE" in table and "NODENAME" in table
    [pod] = machines.pods("tiny")
    spec = pod["spec"]
    assert spec["securityContext"]["runAsUser"] == 107
    assert not any("hostPath" in volume for volume in spec["volumes"])
    assert spec["automountServiceAccountToken"] is False


def test_status_says_what_runs(machines: Machines) -> None:
    machines.apply(vmi("a", tiny("echo up")))
    machines.await_phase("a", "Running")
    body = machines.vmi("a")
    status = body["status"]
    assert body["metadata"]["labels"]["kubevirt.io/nodeName"] == status["nodeName"]
    [pod] = machines.pods("a")
    assert status["activePods"] == {pod["metadata"]["uid"]: status["nodeName"]}
    assert status["machine"]["type"].startswith("pc-q35-")
    assert status["qosClass"] == "Burstable"
    assert [one["phase"] for one in status["phaseTransitionTimestamps"]][-1] == "Running"
    eventually(lambda: machines.vmi("a")["status"].get("interfaces", []) != [])
    [nic] = machines.vmi("a")["status"]["interfaces"]
    assert nic["name"] == "default"
    assert nic["ipAddress"] == pod["status"]["podIP"]
    assert [volume["target"] for volume in status["volumeStatus"]] == ["vda", "vdb"]
    assert "SuccessfulCreate" in machines.describe("vmi", "a")
    eventually(lambda: "VirtualMachineInstance started." in machines.describe("vmi", "a"))


def test_the_guest_is_reached_like_a_pod(machines: Machines) -> None:
    kube, namespace = machines.kube, machines.namespace
    machines.apply(vmi("web", tiny()))
    machines.await_console("web", READY)
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"vmi.kubevirt.io/id": "web"},
            "ports": [{"port": 8080, "targetPort": 80}],
        },
    }
    client = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "client"},
        "spec": {
            "containers": [{"name": "sh", "image": kube.busybox, "command": ["sleep", "100000"]}],
            "terminationGracePeriodSeconds": 0,
        },
    }
    kube.apply(namespace, service, client)
    kube.await_ready(namespace, "client")
    [pod] = machines.pods("web")

    def answers(address: str) -> bool:
        url = f"http://{address}"
        words = ("timeout", "5", "wget", "-q", "-O", "-", url)
        script = f"{' '.join(words)} || true"
        return "boot_id=" in kube.execute(namespace, "client", "sh", "-c", script)

    eventually(lambda: answers(pod["status"]["podIP"]))
    eventually(lambda: answers("web:8080"))
    [other] = [ip["ip"] for ip in pod["status"]["podIPs"] if ":" in ip["ip"]]
    eventually(lambda: answers(f"[{other}]"))
