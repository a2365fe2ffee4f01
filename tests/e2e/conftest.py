"""The real cluster, a namespace for each test, and what is left of it when a test fails."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubemucluster import cluster as clusters
from kubemucluster import health, life
from kubemucluster.layout import Pods
from tests.e2e import evidence
from tests.e2e.kube import Kube, eventually

_NAME = "kubemu"
_FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def kube() -> Iterator[Kube]:
    """The cluster of $KUBECONFIG, else the local one; one that was not there before is removed."""
    given = os.environ.get("KUBECONFIG")
    if not given and os.geteuid() != 0:
        pytest.skip("a cluster needs root, or $KUBECONFIG one that is there")
    existed = bool(given) or clusters.existing(_NAME) is not None
    path = Path(given) if given else _brought_up()
    yield Kube.of(path, _audit_log(path))
    if not existed:
        with clusters.working_on(_NAME):
            life.down(_NAME, print)


def _brought_up() -> Path:
    found = clusters.existing(_NAME)
    if found and health.is_up(found):
        return found.layout.kubeconfig
    with clusters.working_on(_NAME):
        return life.up(_NAME, Pods.DUAL, print).layout.kubeconfig


def _audit_log(kubeconfig: Path) -> Path | None:
    local = clusters.existing(_NAME)
    return local.layout.audit_log if local and local.layout.kubeconfig == kubeconfig else None


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
    try:
        yield name
        if request.node.stash.get(_FAILED, False):
            print(evidence.gathered(kube, name))
    finally:
        kube.core.delete_namespace(name)


def _has_default_account(kube: Kube, namespace: str) -> bool:
    accounts = kube.core.list_namespaced_service_account(namespace).items
    return any(account.metadata.name == "default" for account in accounts)
