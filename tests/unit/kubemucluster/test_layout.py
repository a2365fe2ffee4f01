"""Clusters beside each other share no address, port or link."""

from __future__ import annotations

from pathlib import Path

from kubemucluster.layout import CLUSTERS, Layout, Pods
from kubemucluster.volumes import Make, Remove, decide, parse_size


def a_layout(number: int, pods: Pods = Pods.DUAL) -> Layout:
    return Layout(name=f"c{number}", number=number, pods=pods, state=Path(f"/s/c{number}"))


def test_clusters_share_nothing() -> None:
    facts = [
        fact
        for layout in map(a_layout, range(CLUSTERS))
        for fact in (
            layout.bridge,
            layout.ipv4,
            layout.ipv6,
            layout.pods_cidrs[0],
            layout.cgroup,
            *(layout.port(port) for port in (2379, 2380, 5000, 6443, 10257, 10259)),
            *(node.link for node in layout.nodes),
            *(node.ipv4 for node in layout.nodes),
            *(node.pods_ipv6 for node in layout.nodes),
        )
    ]
    assert len(facts) == len(set(facts))


def test_the_ipv6_option_leaves_no_ipv4() -> None:
    layout = a_layout(0, Pods.IPV6)
    addresses = [*layout.pods_cidrs, *layout.service_cidrs, layout.service_dns]
    assert [address for address in addresses if "." in address] == []


def a_claim(**changes: str) -> dict[str, object]:
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


def a_volume(phase: str) -> dict[str, object]:
    return {
        "metadata": {
            "name": "loop-u",
            "annotations": {"pv.kubernetes.io/provisioned-by": "kubemu.io/loop"},
        },
        "spec": {"persistentVolumeReclaimPolicy": "Delete"},
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


def test_a_released_volume_is_removed() -> None:
    assert decide([], [a_volume("Released")]) == [Remove(name="loop-u")]


def test_sizes() -> None:
    assert [parse_size(size) for size in ("16Mi", "1G", "5")] == [16 * 2**20, 10**9, 5]
