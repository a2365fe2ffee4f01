"""Rules about a VirtualMachinePool."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..groups.pool import VirtualMachinePool
from ..violation import Violation
from .causes import invalid
from .machine import machine_spec_violations
from .metadata import labels_and_annotations
from .path import Path
from .selectors import template_selector

_PERCENTAGE = re.compile("[0-9]+%")


def pool_violations(pool: VirtualMachinePool, config: ClusterConfig) -> Iterator[Violation]:
    spec, field = pool.spec, Path("spec")
    template, path = spec.virtual_machine_template, field / "virtualMachineTemplate"
    yield from labels_and_annotations(path / "metadata", template.metadata)
    yield from machine_spec_violations(path / "spec", template.spec, config)
    yield from template_selector(field / "selector", spec.selector, template.metadata.labels)
    yield from _max_unavailable(field / "maxUnavailable", spec.max_unavailable)


def pool_update(old: VirtualMachinePool, new: VirtualMachinePool) -> Iterator[Violation]:
    """Another selector would leave behind the VMs that the old one found."""
    if old.spec.selector != new.spec.selector:
        yield invalid("spec.selector", "selector is immutable after creation.")


def _max_unavailable(path: Path, value: int | str | None) -> Iterator[Violation]:
    if isinstance(value, str) and not _PERCENTAGE.fullmatch(value):
        yield invalid(
            path,
            f'{path}: Invalid value: "{value}": a valid percent string must be a numeric string '
            "followed by an ending '%'",
        )
    if isinstance(value, int) and value < 0:
        yield invalid(path, f"{path}: Invalid value: {value}: must be greater than or equal to 0")
