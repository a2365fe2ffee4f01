"""KubeVirt in the same cluster is told by what it runs."""

from __future__ import annotations

from typing import Any

import pytest

from virtoperator.controller.rivals import rivals


def workload(container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "kubevirt", "name": "whatever"},
        "spec": {**spec, "template": {"spec": {"containers": [container]}}},
    }


@pytest.mark.parametrize(
    ("container", "found"),
    [
        ({"image": "quay.io/kubevirt/virt-operator:v1.6.0"}, True),
        ({"image": "registry.example/virt-operator-rhel9@sha256:0"}, True),
        ({"image": "x/y", "command": ["virt-operator", "--port", "8443"]}, True),
        ({"image": "x/y", "command": ["/usr/bin/virt-controller", "--launcher-image", "z"]}, True),
        ({"image": "x/y", "command": ["virt-api"], "args": ["--subresources-only"]}, True),
        ({"image": "kubemu/operator:v1", "command": ["virt-controller"]}, False),
        ({"image": "kubemu/operator:v1", "command": ["virt-handler"]}, False),
        ({"image": "nginx"}, False),
    ],
)
def test_what_counts_is_what_runs(container: dict[str, Any], found: bool) -> None:
    assert bool(rivals([workload(container)])) is found


def test_one_that_was_scaled_down_does_not_run() -> None:
    container = {"image": "quay.io/kubevirt/virt-operator:v1.6.0"}
    assert rivals([workload(container, replicas=0)]) == []
    assert rivals([workload(container, replicas=2)]) == ["kubevirt/whatever"]
