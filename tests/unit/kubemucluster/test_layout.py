"""Clusters beside each other share no address, port or link."""

from __future__ import annotations

from pathlib import Path

from kubemucluster.layout import CLUSTERS, Layout, Pods


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
