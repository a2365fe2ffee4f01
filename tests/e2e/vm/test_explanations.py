"""What cannot run says why, in `kubectl describe vm` alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.kube import eventually
from tests.e2e.vm.machines import Machines, tiny, vm

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


def with_volume(**source: Any) -> dict[str, Any]:
    spec = tiny()
    spec["volumes"].append({"name": "extra", **source})
    spec["domain"]["devices"]["disks"].append({"name": "extra", "disk": {"bus": "virtio"}})
    return spec


def with_image(image: str) -> dict[str, Any]:
    spec = tiny()
    spec["volumes"][0]["containerDisk"]["image"] = image
    return spec


@pytest.mark.parametrize(
    ("spec", "status", "words"),
    [
        (with_image("registry:5000/kubemu/nothing:here"), "ImagePull", "kubemu/nothing:here"),
        (
            with_volume(persistentVolumeClaim={"claimName": "not-there"}),
            "ErrorPvcNotFound",
            "not-there",
        ),
        ({**tiny(), "nodeSelector": {"there-is": "none"}}, "ErrorUnschedulable", "node"),
        (
            with_volume(cloudInitNoCloud={"secretRef": {"name": "no-such-secret"}}),
            "Starting",
            "no-such-secret",
        ),
    ],
    ids=["image", "claim", "node", "secret"],
)
def test_why(machines: Machines, spec: dict[str, Any], status: str, words: str) -> None:
    machines.apply(vm("a", spec))
    eventually(lambda: status in machines.status("a"))
    eventually(lambda: words in machines.describe("vm", "a").partition("\nStatus:")[2])
