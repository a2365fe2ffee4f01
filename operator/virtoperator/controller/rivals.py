"""KubeVirt's own components in the same cluster: two masters for the same objects. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .trees import at, meta, name_of

_PROGRAMS = ("virt-operator", "virt-controller", "virt-handler", "virt-api")
_OPTIONS = ("--launcher-image", "--max-metric-requests", "--subresources-only")
"""Options of KubeVirt's programs that ours do not have."""
Json = dict[str, Any]


def rivals(workloads: Iterable[Json]) -> list[str]:
    """Which of these Deployments and DaemonSets run programs of KubeVirt, as `namespace/name`.

    Told by what they run: names of objects are anybody's choice.
    """
    return [
        f"{meta(one)['namespace']}/{name_of(one)}"
        for one in workloads
        if _runs(one) and any(_is_rival(container) for container in _containers(one))
    ]


def _runs(workload: Json) -> bool:
    return bool(at(workload, "spec", "replicas") != 0)


def _containers(workload: Json) -> list[Json]:
    return list(at(workload, "spec", "template", "spec", "containers") or ())


def _is_rival(container: Json) -> bool:
    image = str(container.get("image", "")).rpartition("/")[2]
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    program = str(words[0]).rpartition("/")[2] if words else ""
    if program == "virt-operator" or image.startswith(_PROGRAMS):
        return True
    options = {str(word).partition("=")[0] for word in words[1:]}
    return program in _PROGRAMS and bool(options & set(_OPTIONS))
