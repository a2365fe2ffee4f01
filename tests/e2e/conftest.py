"""The real cluster, a namespace for each test, and what is left of it when a test fails."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import kubernetes.client
import kubernetes.config
import pytest

from kubemucluster import cluster as clusters
from kubemucluster import images, programs
from kubemucluster.layout import Pods
from tests.e2e.kube import LIMIT, Kube, eventually

_FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def kube() -> Iterator[Kube]:
    """The cluster of $KUBECONFIG, else the local one; one that was not there before is removed."""
    built = programs.built(print)
    given = os.environ.get("KUBECONFIG")
    if not given and os.geteuid() != 0:
        pytest.skip("a cluster needs root, or $KUBECONFIG one that is there")
    existed = bool(given) or clusters.existing("kubemu") is not None
    path = Path(given) if given else _brought_up()
    kubernetes.config.load_kube_config(str(path))  # type: ignore[no-untyped-call]
    yield Kube(
        kubeconfig=path,
        kubectl=built["kubectl"],
        core=kubernetes.client.CoreV1Api(),
        busybox=images.own_images(built)["busybox"].reference,
    )
    if not existed:
        with clusters.working_on("kubemu"):
            clusters.down("kubemu", print)


def _brought_up() -> Path:
    with clusters.working_on("kubemu"):
        return clusters.up("kubemu", Pods.DUAL, print).layout.kubeconfig


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.failed:
        item.stash[_FAILED] = True
    return report  # type: ignore[return-value]


@pytest.fixture
def namespace(kube: Kube, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, enforcing Pod Security *restricted* when marked so."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    level = "restricted" if request.node.get_closest_marker("restricted") else "privileged"
    labels = {"pod-security.kubernetes.io/enforce": level}
    kube.core.create_namespace({"metadata": {"name": name, "labels": labels}})
    eventually(lambda: _has_default_account(kube, name))
    yield name
    if request.node.stash.get(_FAILED, False):
        print(_evidence(kube, name))
    kube.core.delete_namespace(name)


def _has_default_account(kube: Kube, namespace: str) -> bool:
    accounts = kube.core.list_namespaced_service_account(namespace).items
    return any(account.metadata.name == "default" for account in accounts)


def _evidence(kube: Kube, namespace: str) -> str:
    """Objects, events and every pod's log: what one looks at first."""
    kinds = "pods,services,persistentvolumeclaims"
    parts = [
        kube.run("-n", namespace, "get", kinds, "-o", "yaml"),
        kube.run("-n", namespace, "get", "events", "--sort-by=.lastTimestamp"),
    ]
    for pod in kube.core.list_namespaced_pod(namespace).items:
        name = pod.metadata.name
        logs = ["-n", namespace, "logs", name, "--all-containers", "--prefix", "--tail=100"]
        command = [str(kube.kubectl), f"--kubeconfig={kube.kubeconfig}", *logs]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
        parts.append(f"--- {name}\n{done.stdout}{done.stderr}")
    return "\n".join(parts)
