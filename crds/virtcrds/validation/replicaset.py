"""Rules about a VirtualMachineInstanceReplicaSet."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.replicaset import VirtualMachineInstanceReplicaSet
from ..violation import Violation
from .instance import template_violations
from .path import Path
from .selectors import template_selector


def replica_set_violations(
    replica_set: VirtualMachineInstanceReplicaSet, config: ClusterConfig
) -> Iterator[Violation]:
    spec, field = replica_set.spec, Path("spec")
    template = spec.template
    yield from template_violations(field / "template", template.metadata, template.spec, config)
    yield from template_selector(field / "selector", spec.selector, template.metadata.labels)
