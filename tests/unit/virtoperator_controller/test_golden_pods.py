"""Launcher pods as text files: `<name>.yaml` is a VMI, `<name>.pod.yaml` what becomes of it.

KUBEMU_WRITE_GOLDEN=1 writes them again; the difference is then reviewed as any other change.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from virtcrds import VirtualMachineInstance, default
from virtoperator.controller.pod import Unsupported, render
from virtoperator.podvolumes import Claim
from virtoperator.settings import Settings

GOLDEN = Path(__file__).parents[2] / "golden" / "pods"
CASES = sorted(path.stem for path in GOLDEN.glob("*.yaml") if not path.name.endswith(".pod.yaml"))
CLAIMS = {"blkpvc": Claim(name="blkpvc", block=True)}
SETTINGS = Settings(launcher_image="registry.example/launcher:v1")
UID = "11111111-2222-3333-4444-555555555555"
FIRMWARE = "66666666-7777-8888-9999-000000000000"


class _Plain(yaml.SafeDumper):
    """Writes what is used twice twice: people read these files."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def defaulted(name: str) -> dict[str, Any]:
    document = yaml.safe_load((GOLDEN / f"{name}.yaml").read_text())
    document["metadata"]["uid"] = UID
    vmi = VirtualMachineInstance.from_json(document)
    return default(vmi, SETTINGS.config, firmware_uuid=FIRMWARE).to_json()


def settings_for(name: str) -> Settings:
    return Settings(
        launcher_image=SETTINGS.launcher_image, use_emulation=name.startswith("emulated")
    )


@pytest.mark.parametrize("name", CASES)
def test_the_pod_is_the_golden_one(name: str) -> None:
    pod = render(defaulted(name), settings_for(name), CLAIMS)
    golden = GOLDEN / f"{name}.pod.yaml"
    if os.environ.get("KUBEMU_WRITE_GOLDEN"):
        golden.write_text(yaml.dump(pod, Dumper=_Plain))
    assert pod == yaml.safe_load(golden.read_text())


@pytest.mark.parametrize("name", CASES)
def test_every_pod_passes_pod_security_restricted(name: str) -> None:
    pod = render(defaulted(name), settings_for(name), CLAIMS)["spec"]
    security = pod["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in [*pod["containers"], *pod.get("initContainers", ())]:
        inner = container["securityContext"]
        assert inner["allowPrivilegeEscalation"] is False
        assert inner["capabilities"] == {"drop": ["ALL"]}
        assert inner["runAsNonRoot"] is True
    allowed = {
        *("configMap", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim"),
        *("projected", "secret"),
    }
    kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
    assert kinds <= allowed or name == "host-disk"


@pytest.mark.parametrize(
    ("network", "field"),
    [({"multus": {"networkName": "n"}}, "multus"), ({"resourceClaim": {}}, "resourceClaim")],
)
def test_a_network_that_is_not_the_pods_is_refused_by_its_field(
    network: dict[str, Any], field: str
) -> None:
    vmi = defaulted("basic")
    vmi["spec"]["networks"].append({"name": "more", **network})
    with pytest.raises(Unsupported, match=rf"^spec\.networks\[1\]\.{field} is not available yet"):
        render(vmi, SETTINGS, {})


@pytest.mark.parametrize("probe", [{"exec": {"command": ["true"]}}, {"guestAgentPing": {}}])
def test_a_probe_inside_the_guest_is_refused_by_its_field(probe: dict[str, Any]) -> None:
    vmi = defaulted("basic")
    vmi["spec"]["livenessProbe"] = probe
    with pytest.raises(Unsupported, match=r"^spec\.livenessProbe\.\w+ is not available yet"):
        render(vmi, SETTINGS, {})
