"""`kubemu-cluster`, as people type it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from kubemucluster import health
from kubemucluster.cluster import Cluster
from tests.e2e.kube import Kube
from tests.e2e.objects import FOREVER, a_pod
from tests.integration.cluster.lives import BOTH, answered, command


def test_up_prints_how_to_use_the_cluster(running: Cluster) -> None:
    said = answered("up")
    exports = "\n".join(line for line in said.splitlines() if line.startswith("export "))
    use = f"{exports}\nkubectl get nodes -o name"
    done = subprocess.run(["bash", "-c", use], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {f"node/{node}" for node in BOTH}


def test_status_tells_what_is_down(running: Cluster) -> None:
    assert "Ready: node-a, node-b\n" in answered("status")
    answered("kill", "kube-scheduler")
    said = subprocess.run(command("status"), capture_output=True, text=True)
    assert said.returncode == 1
    (line,) = [line for line in said.stdout.splitlines() if "kube-scheduler" in line]
    assert line.split() == ["kube-scheduler", "down"]
    answered("restart", "kube-scheduler")
    answered("status")


def test_a_node_is_stopped_and_started(running: Cluster) -> None:
    answered("node", "stop", "node-b")
    assert not health.is_up(running)
    answered("node", "start", "node-b")
    answered("restart", "kubelet@node-b")
    assert health.is_up(running)


def test_logs_and_kubeconfig_are_found(running: Cluster) -> None:
    assert "Successfully registered node" in answered("logs", "kubelet@node-a")
    assert '"auditID"' in answered("logs", "audit")
    assert Path(answered("kubeconfig").strip()) == running.layout.kubeconfig


def test_a_loaded_image_is_pulled_by_pods(running: Cluster, kube: Kube, tmp_path: Path) -> None:
    layout = running.layout
    there = kube.busybox.replace("registry:5000", f"{layout.ipv4}:{layout.registry_port}")
    archive = f"oci-archive:{tmp_path / 'busybox.tar'}:x"
    copy = ["skopeo", "copy", "-q", "--insecure-policy", "--src-tls-verify=false"]
    subprocess.run([*copy, f"docker://{there}", archive], check=True)
    reference = answered("load-image", archive, "tests/mine:1").strip()
    assert reference == "registry:5000/tests/mine:1"
    image = {"image": reference, "imagePullPolicy": "Always"}
    kube.apply("default", a_pod(kube, "mine", FOREVER, container=image))
    kube.await_ready("default", "mine")
    kube.delete("default", "pod", "mine")
