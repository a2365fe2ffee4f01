"""The KubeVirt object as configuration."""

from __future__ import annotations

from typing import Any

from virtoperator.settings import Settings, settings_of


def kubevirt(**configuration: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "KubeVirt",
        "metadata": {"name": "kubevirt", "namespace": "kubevirt", "resourceVersion": "7"},
        "spec": {"configuration": configuration},
    }


def test_without_an_object_there_are_defaults() -> None:
    assert settings_of(None, "image") == Settings(launcher_image="image")


def test_what_it_says() -> None:
    developer = {"useEmulation": True, "cpuAllocationRatio": 4, "featureGates": ["HostDisk"]}
    settings = settings_of(kubevirt(developerConfiguration=developer), "image")
    assert settings.use_emulation
    assert settings.cpu_allocation_ratio == 4
    assert settings.config.enabled("HostDisk")
    assert settings.resource_version == "7"


def test_one_that_is_not_understood_changes_nothing() -> None:
    last = settings_of(kubevirt(developerConfiguration={"useEmulation": True}), "image")
    assert settings_of(kubevirt(developerConfiguration="nonsense"), "image", last) is last
