"""kind's configuration; kind itself runs where docker does."""

from __future__ import annotations

import yaml

from tools import kind


def test_every_node_has_kvm_and_the_cluster_is_the_one_that_is_installed_into() -> None:
    config = yaml.safe_load(kind.CONFIG.read_text())
    assert (config["apiVersion"], config["kind"]) == ("kind.x-k8s.io/v1alpha4", "Cluster")
    assert config["name"] == kind.NAME
    device = {"hostPath": "/dev/kvm", "containerPath": "/dev/kvm"}
    assert [node["extraMounts"] for node in config["nodes"]] == [[device]] * 3
