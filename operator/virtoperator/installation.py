"""The KubeVirt object's status: what `kubectl wait kubevirt` and installers look at.

Our components are installed by a manifest, not by an operator; whoever writes this runs, so the
installation is there.
"""

from __future__ import annotations

import datetime
from importlib import metadata
from typing import Any

from .conditions import condition, merged

Json = dict[str, Any]


def version() -> str:
    """The version of the project, as KubeVirt writes versions."""
    return f"v{metadata.version('virtoperator')}"


def status_of(kubevirt: Json, launcher_image: str, now: datetime.datetime) -> Json:
    """The status of a KubeVirt object whose `spec` is in effect.

    Equal to the one it has when there is no news.
    """
    old = kubevirt.get("status") or {}
    said = [
        condition(
            "Available", True, reason="AllComponentsReady", message="All components are ready."
        ),
        condition(
            "Progressing", False, reason="AllComponentsReady", message="All components are ready."
        ),
        condition(
            "Degraded", False, reason="AllComponentsReady", message="All components are ready."
        ),
        condition(
            "Created", True, reason="AllResourcesCreated", message="All resources were created."
        ),
    ]
    owned = [one["type"] for one in said]
    registry = launcher_image.rpartition("/")[0]
    return {
        **old,
        "phase": "Deployed",
        "conditions": merged(old.get("conditions"), said, owned=owned, now=now),
        "observedGeneration": kubevirt["metadata"].get("generation", 0),
        "operatorVersion": version(),
        "observedKubeVirtVersion": version(),
        "targetKubeVirtVersion": version(),
        "observedKubeVirtRegistry": registry,
        "targetKubeVirtRegistry": registry,
        "defaultArchitecture": "amd64",
    }
