"""What the provisioner decides about claims and volumes."""

from __future__ import annotations

import pytest

from kubemucluster.volumes import Grow, Make, Remove, decide, grown, parse_size


def a_claim(**changes: object) -> dict[str, object]:
    notes = {
        "volume.kubernetes.io/storage-provisioner": "kubemu.io/loop",
        "volume.kubernetes.io/selected-node": "node-b",
    }
    return {
        "metadata": {"namespace": "n", "name": "c", "uid": "u", "annotations": notes},
        "spec": {
            "storageClassName": "loop",
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "16Mi"}},
            **changes,
        },
    }


def a_volume(phase: str, mode: str = "Filesystem", by: str = "kubemu.io/loop") -> dict[str, object]:
    return {
        "metadata": {"name": "loop-u", "annotations": {"pv.kubernetes.io/provisioned-by": by}},
        "spec": {
            "persistentVolumeReclaimPolicy": "Delete",
            "capacity": {"storage": "16Mi"},
            "claimRef": {"uid": "u"},
            "volumeMode": mode,
        },
        "status": {"phase": phase},
    }


def test_a_placed_claim_is_made_a_volume_once() -> None:
    make = Make(
        namespace="n",
        claim="c",
        uid="u",
        node="node-b",
        storage_class="loop",
        mode="Filesystem",
        access=("ReadWriteOnce",),
        size="16Mi",
    )
    assert decide([a_claim()], []) == [make]
    assert decide([a_claim()], [a_volume("Bound")]) == []
    assert decide([a_claim(volumeName="loop-u")], []) == []


MORE = {"resources": {"requests": {"storage": "17Mi"}}, "volumeName": "loop-u"}


@pytest.mark.parametrize(
    ("volume", "is_device", "has_file_system", "status"),
    [
        (a_volume("Bound", "Block"), True, False, {"capacity": {"storage": "17Mi"}}),
        (
            a_volume("Bound", "Filesystem"),
            True,
            True,
            {"conditions": [{"type": "FileSystemResizePending", "status": "True"}]},
        ),
        (
            a_volume("Bound", by="rancher.io/local-path"),
            False,
            False,
            {"capacity": {"storage": "17Mi"}},
        ),
    ],
    ids=["device", "file system", "folder"],
)
def test_a_claim_that_asks_for_more_gets_it(
    volume: dict[str, object], is_device: bool, has_file_system: bool, status: dict[str, object]
) -> None:
    grow = Grow(
        name="loop-u",
        namespace="n",
        claim="c",
        size="17Mi",
        is_device=is_device,
        has_file_system=has_file_system,
    )
    assert decide([a_claim(**MORE)], [volume]) == [grow]
    assert grown(grow) == status


def test_a_volume_of_somebody_else_is_left_alone() -> None:
    assert decide([a_claim(**MORE)], [a_volume("Released", by="another")]) == []


def test_a_released_volume_is_removed() -> None:
    assert decide([], [a_volume("Released")]) == [Remove(name="loop-u")]


@pytest.mark.parametrize(
    ("size", "expected"),
    [("16Mi", 2**24), ("1G", 10**9), ("5", 5), ("0.5Ki", 512), ("1e3", 1000), ("1.0001k", 1001)],
)
def test_a_size_is_in_bytes(size: str, expected: int) -> None:
    assert parse_size(size) == expected


def test_what_is_no_size_is_refused() -> None:
    with pytest.raises(ValueError, match="no quantity"):
        parse_size("much")
