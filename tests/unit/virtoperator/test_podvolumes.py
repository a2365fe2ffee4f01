"""Each volume of a VMI: what the pod mounts, and what the launcher is told, at one path."""

from __future__ import annotations

from typing import Any

import pytest

from virtlauncher.facts import SourceKind
from virtoperator.podvolumes import Claim, claim_names, pod_volumes


def vmi(*volumes: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"domain": {"devices": {}}, "volumes": list(volumes), **spec}}


PVC = {"name": "data", "persistentVolumeClaim": {"claimName": "pvc"}}


@pytest.mark.parametrize(
    ("volume", "key", "pod_volume"),
    [
        (
            {"name": "root", "containerDisk": {"image": "i:1", "imagePullPolicy": "Always"}},
            "root",
            {"name": "root", "image": {"reference": "i:1", "pullPolicy": "Always"}},
        ),
        (PVC, "data", {"name": "data", "persistentVolumeClaim": {"claimName": "pvc"}}),
        (
            {"name": "e", "ephemeral": {"persistentVolumeClaim": {"claimName": "pvc"}}},
            "e",
            {"name": "e", "persistentVolumeClaim": {"claimName": "pvc", "readOnly": True}},
        ),
        (
            {"name": "seed", "cloudInitNoCloud": {"secretRef": {"name": "s"}}},
            "seed/userdata",
            {"name": "seed-udata", "secret": {"secretName": "s", "defaultMode": 0o440}},
        ),
        (
            {"name": "cm", "configMap": {"name": "c", "optional": True}},
            "cm",
            {"name": "cm", "configMap": {"name": "c", "defaultMode": 0o440, "optional": True}},
        ),
        (
            {"name": "h", "hostDisk": {"path": "/data/vm.img", "type": "Disk"}},
            "h",
            {"name": "h", "hostPath": {"path": "/data", "type": "Directory"}},
        ),
    ],
)
def test_kinds(volume: dict[str, Any], key: str, pod_volume: dict[str, Any]) -> None:
    [found] = pod_volumes(vmi(volume), {})
    assert found.key == key
    assert found.volume == pod_volume
    assert found.mount["name"] == pod_volume["name"]
    assert found.source.path.startswith(found.mount["mountPath"])


def test_volumes_without_anything_in_the_pod() -> None:
    seed = {"name": "s", "cloudInitNoCloud": {"userData": "#!/bin/sh"}}
    assert pod_volumes(vmi(seed, {"name": "d", "emptyDisk": {"capacity": "1Gi"}}), {}) == []


def test_a_block_claim_is_a_device_that_the_handler_opens() -> None:
    [found] = pod_volumes(vmi(PVC), {"pvc": Claim(name="pvc", block=True)})
    assert found.mount == {"name": "data", "devicePath": "/var/lib/kubemu/devices/data"}
    assert found.source.kind is SourceKind.FD
    assert found.source.fds == ("data/ro", "data/rw")


def test_a_filesystem_claim_knows_the_size_of_its_disk() -> None:
    [found] = pod_volumes(vmi(PVC), {"pvc": Claim(name="pvc", size=1 << 30)})
    assert (found.source.kind, found.source.size) == (SourceKind.DIR, 1 << 30)


def test_kernel_and_credentials() -> None:
    boot = {"kernelBoot": {"container": {"image": "k:1", "kernelPath": "/k"}}}
    secret = {"secret": {"secretName": "keys"}}
    body = {
        "spec": {
            "domain": {"devices": {}, "firmware": boot},
            "accessCredentials": [{"sshPublicKey": {"source": secret}}],
        }
    }
    assert [found.key for found in pod_volumes(body, {})] == ["accessCredentials/0", "kernelBoot"]


def test_names_of_pod_volumes_are_labels_of_their_own() -> None:
    names = [f"{'v' * 60}{end}" for end in ("aaa", "bbb")]
    seeds = [{"name": name, "cloudInitNoCloud": {"secretRef": {"name": "s"}}} for name in names]
    found = [one.volume["name"] for one in pod_volumes(vmi(*seeds), {})]
    assert len(set(found)) == 2
    assert all(len(name) <= 63 for name in found)


def test_claims_are_named_once() -> None:
    again = {**PVC, "name": "again"}
    volume = {"name": "dv", "dataVolume": {"name": "other"}}
    assert claim_names(vmi(PVC, again, volume)) == ["pvc", "other"]
