"""What `kubectl apply` installs is what its parts say, and asks for no more than it may."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tools import manifest

Json = dict[str, Any]


@pytest.fixture(scope="module")
def objects() -> list[Json]:
    text = manifest.manifest("registry.example/operator:1", "registry.example/launcher:1")
    small = "---\n".join(part for part in text.split("---\n") if "CustomResource" not in part)
    return [one for one in yaml.safe_load_all(small) if one]


def test_the_committed_manifest_is_made_of_the_parts() -> None:
    assert manifest.main(["--check"]) == 0


def test_nothing_is_left_to_fill_in(objects: list[Json]) -> None:
    assert "KUBEMU_" not in yaml.safe_dump_all(objects)


def test_only_the_handler_is_privileged(objects: list[Json]) -> None:
    pods = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]
        for one in objects
        if one["kind"] in ("Deployment", "DaemonSet")
    }
    assert set(pods) == {"virt-controller", "virt-handler"}
    controller = pods["virt-controller"]
    assert controller["securityContext"]["runAsNonRoot"] is True
    assert all(one["securityContext"]["readOnlyRootFilesystem"] for one in controller["containers"])


def test_no_account_may_read_secrets(objects: list[Json]) -> None:
    for role in (one for one in objects if one["kind"] in ("ClusterRole", "Role")):
        for rule in role.get("rules") or ():
            core = "" in rule["apiGroups"]
            assert not (core and {"secrets", "*"} & set(rule["resources"])), role["metadata"][
                "name"
            ]
