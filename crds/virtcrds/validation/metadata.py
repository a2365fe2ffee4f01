"""Metadata: names, labels and annotations, as an API server takes them."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..kubernetes.meta import ObjectMeta
from ..violation import Violation
from .causes import invalid, not_supported, required
from .kubenames import (
    label_complaints,
    label_value_complaints,
    qualified_name_complaints,
    subdomain_complaints,
)
from .path import Path

RESERVED_LABELS = frozenset(
    {
        "kubevirt.io/created-by",
        "kubevirt.io/install-strategy",
        "kubevirt.io/migrationJobUID",
        "kubevirt.io/migrationTargetNodeName",
        "kubevirt.io/nodeName",
        "kubevirt.io/schedulable",
    }
)
"""Labels by which KubeVirt's components find their objects; users must not set them."""
OUR_LABELS = "node.kubemu.io/"
"""Prefix of the labels that tell which node's handler an instance belongs to."""

_MAX_ANNOTATIONS = 256 << 10
_GATED_ANNOTATIONS = (
    ("kubevirt.io/ignitiondata", "ExperimentalIgnitionSupport", "ExperimentalIgnitionSupport"),
    ("hooks.kubevirt.io/hookSidecars", "Sidecar", "sidecar"),
)


def object_metadata(metadata: ObjectMeta) -> Iterator[Violation]:
    """The rules of every object: it has a name, and labels are labels."""
    path = Path("metadata")
    if not metadata.name and not metadata.generate_name:
        where = path / "name"
        yield required(where, f"{where}: Required value: name or generateName is required")
    # A server appends letters to a generated name, so its last dash is not the last.
    names = (("name", metadata.name), ("generateName", metadata.generate_name.rstrip("-")))
    for attribute, name in names:
        if name:
            yield from _bad(path / attribute, name, subdomain_complaints(name))
    if metadata.namespace:
        yield from _bad(
            path / "namespace", metadata.namespace, label_complaints(metadata.namespace)
        )
    yield from labels_and_annotations(path, metadata)


def labels_and_annotations(path: Path, metadata: ObjectMeta) -> Iterator[Violation]:
    for key, value in metadata.labels.items():
        yield from _bad(path / "labels", key, qualified_name_complaints(key))
        yield from _bad(path / "labels", value, label_value_complaints(value))
    for key in metadata.annotations:
        yield from _bad(path / "annotations", key, qualified_name_complaints(key.lower()))
    size = sum(
        len(text.encode(errors="replace")) for pair in metadata.annotations.items() for text in pair
    )
    if size > _MAX_ANNOTATIONS:
        where = path / "annotations"
        yield invalid(where, f"{where}: Too long: may not be more than {_MAX_ANNOTATIONS} bytes")


def gated_annotations(
    path: Path, metadata: ObjectMeta, config: ClusterConfig
) -> Iterator[Violation]:
    """Annotations that switch on what a feature gate must allow."""
    where = path / "annotations"
    for annotation, gate, shown in _GATED_ANNOTATIONS:
        if metadata.annotations.get(annotation) and not config.enabled(gate):
            yield invalid(
                where,
                f"{shown} feature gate is not enabled in kubevirt-config, "
                f"invalid entry {where}.{annotation}",
            )


def reserved_labels(metadata: ObjectMeta) -> dict[str, str]:
    """The labels of the object that only our own components may set."""
    return {
        key: value
        for key, value in metadata.labels.items()
        if key in RESERVED_LABELS or key.startswith(OUR_LABELS)
    }


def reserved_at_creation(path: Path, metadata: ObjectMeta) -> Iterator[Violation]:
    if reserved_labels(metadata):
        yield not_supported(
            path / "labels",
            "creation of the following reserved kubevirt.io/ labels on a VMI object is prohibited",
        )


def reserved_at_update(old: ObjectMeta, new: ObjectMeta) -> Iterator[Violation]:
    if reserved_labels(old) != reserved_labels(new):
        yield not_supported(
            "metadata.labels",
            "modification of the following reserved kubevirt.io/ labels "
            "on a VMI object is prohibited",
        )


def _bad(path: Path, value: str, complaints: list[str]) -> Iterator[Violation]:
    for complaint in complaints:
        yield invalid(path, f'{path}: Invalid value: "{value}": {complaint}')
