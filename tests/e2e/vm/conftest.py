"""The project installed in the cluster from images of this very tree, and VMs to try it with."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.e2e.kube import Kube
from tests.e2e.vm.machines import Machines
from tools.install import install


@pytest.fixture(scope="session")
def installed(kube: Kube) -> Iterator[Kube]:
    """The cluster with our components Ready; $KUBEMU_INSTALLED says that they are there already."""
    if not os.environ.get("KUBEMU_INSTALLED"):
        install(kube.run)
    yield kube


@pytest.fixture
def machines(installed: Kube, namespace: str) -> Machines:
    """VMs in a namespace of the test's own."""
    return Machines(installed, namespace)
