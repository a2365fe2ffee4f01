"""A cluster of the tests' own: none yet, or one that runs for all tests of a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubemucluster.cluster import Cluster
from tests.e2e.kube import Kube, eventually
from tests.integration.cluster import lives


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.root)
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(autouse=True)
def _root() -> None:
    if os.geteuid() != 0:
        pytest.skip("clusters need root")


@pytest.fixture(scope="session")
def _removed_at_the_end() -> Iterator[None]:
    yield
    lives.down()


@pytest.fixture
def no_cluster(_removed_at_the_end: None) -> Iterator[None]:
    """There is no cluster before the test, and none after it."""
    lives.down()
    yield
    lives.down()


@pytest.fixture(scope="module")
def running(_removed_at_the_end: None) -> Cluster:
    """A cluster that runs; that of the file before, where there is one."""
    return lives.up()


@pytest.fixture(scope="module")
def kube(running: Cluster) -> Kube:
    """The running cluster, as a user has it."""
    made = Kube.of(running.layout.kubeconfig)
    eventually(lambda: made.objects("default", "serviceaccount") != [])
    return made
