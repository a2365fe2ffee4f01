"""DataVolumes that are made for a VM: named, used by it, and filled from one source.

Their spec is another project's API, so it is read as the JSON tree that it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..core.vm import DataVolumeTemplateSpec, VirtualMachineSpec
from ..core.volumes import Volume
from ..violation import Violation
from .causes import invalid, required
from .path import Path


def templates(
    field: Path, spec: VirtualMachineSpec, volumes: Sequence[Volume]
) -> Iterator[Violation]:
    used = {claim for volume in volumes if (claim := _claim_of(volume))}
    for index, template in enumerate(spec.data_volume_templates):
        # The singular is KubeVirt's.
        path = (field / "dataVolumeTemplate").at(index)
        mistakes = list(_template(path, template))
        yield from mistakes
        if not mistakes and template.metadata.name not in used:
            yield required(
                path,
                f"DataVolumeTemplate entry {path} must be referenced "
                "in the VMI template's 'volumes' list",
            )


def namespaces(field: Path, spec: VirtualMachineSpec, namespace: str) -> Iterator[Violation]:
    """A VM's DataVolumes live where it lives."""
    for index, template in enumerate(spec.data_volume_templates):
        other = template.metadata.namespace
        if namespace and other and other != namespace:
            yield invalid(
                (field / "dataVolumeTemplates").at(index),
                f"Embedded DataVolume namespace {other} differs from VM namespace {namespace}",
            )


def _template(path: Path, template: DataVolumeTemplateSpec) -> Iterator[Violation]:
    name = path / "name"
    if not template.metadata.name:
        yield required(name, f"'name' field must not be empty for DataVolumeTemplate entry {name}.")
        return
    claims = [claim for key in ("pvc", "storage") if (claim := template.spec.get(key)) is not None]
    if not claims:
        yield invalid(path / "PVC" / "Storage", "Missing Data volume PVC or Storage")
    elif len(claims) > 1:
        yield invalid(
            path / "PVC" / "Storage",
            "Duplicate storage definition, both target storage and target pvc defined",
        )
    else:
        yield from _content(path, template.spec, _object(claims[0]))


def _content(path: Path, spec: Mapping[str, Any], claim: Mapping[str, Any]) -> Iterator[Violation]:
    populated = claim.get("dataSource") is not None or claim.get("dataSourceRef") is not None
    filled = spec.get("source") is not None or spec.get("sourceRef") is not None
    if populated and filled:
        yield invalid(
            path / "source", "External population is incompatible with Source and SourceRef"
        )
    elif not populated and not filled:
        yield invalid(
            path / "source" / "sourceRef",
            "Data volume should have either Source, SourceRef, or be externally populated",
        )
    elif spec.get("source") is not None:
        count = sum(source is not None for source in _object(spec["source"]).values())
        if count == 0:
            yield invalid(path / "source", "Missing dataVolume valid source")
        elif count > 1:
            yield invalid(path / "source", "Multiple dataVolume sources")


def _claim_of(volume: Volume) -> str | None:
    if volume.data_volume is not None:
        return volume.data_volume.name
    claim = volume.persistent_volume_claim
    return claim.claim_name if claim is not None else None


def _object(tree: object) -> Mapping[str, Any]:
    return tree if isinstance(tree, Mapping) else {}
