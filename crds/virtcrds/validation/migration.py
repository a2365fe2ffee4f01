"""Rules about a VirtualMachineInstanceMigration, and about policies for migrations."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.migration import MigrationSpec, VirtualMachineInstanceMigration
from ..groups.policy import MigrationPolicy
from ..violation import Violation
from .causes import invalid, not_supported, required
from .kubenames import subdomain_complaints
from .path import Path
from .scheduling import label_violations
from .text import text_violations

SELECTOR_LABEL = "kubevirt.io/vmi-name"
"""By it, controllers find the migrations of an instance."""

_FINAL = ("Succeeded", "Failed")
_PRIORITIES = ("system-critical", "user-triggered", "system-maintenance")


def migration_violations(
    migration: VirtualMachineInstanceMigration, config: ClusterConfig
) -> Iterator[Violation]:
    spec, field = migration.spec, Path("spec")
    if not spec.vmi_name:
        yield required(field / "vmiName", "vmiName is missing")
    for complaint in subdomain_complaints(spec.vmi_name) if spec.vmi_name else ():
        path = field / "vmiName"
        yield invalid(path, f'{path}: Invalid value: "{spec.vmi_name}": {complaint}')
    yield from label_violations(field / "addedNodeSelector", spec.added_node_selector)
    if spec.priority is not None and spec.priority not in _PRIORITIES:
        yield not_supported(
            field / "priority",
            f"spec.priority is set with an unrecognized option: {spec.priority}",
        )
    yield from _between_clusters(field, spec, config)
    yield from text_violations(field, spec)


def migration_update(
    old: VirtualMachineInstanceMigration, new: VirtualMachineInstanceMigration
) -> Iterator[Violation]:
    if old.spec != new.spec:
        yield not_supported("spec", "update of Migration object's spec is restricted")
    before, after = old.metadata.labels, new.metadata.labels
    if new.status.phase in _FINAL or SELECTOR_LABEL not in before:
        return
    if before[SELECTOR_LABEL] != after.get(SELECTOR_LABEL):
        done = "modified on" if after else "removed from"
        yield not_supported(
            "metadata.labels", f"selector label can't be {done} an in-flight migration"
        )


def policy_violations(policy: MigrationPolicy) -> Iterator[Violation]:
    spec, field = policy.spec, Path("spec")
    timeout, bandwidth = spec.completion_timeout_per_gib, spec.bandwidth_per_migration
    if timeout is not None and timeout < 0:
        yield invalid(field / "completionTimeoutPerGiB", "must not be negative")
    if bandwidth is not None and bandwidth.value < 0:
        yield invalid(field / "bandwidthPerMigration", "must not be negative")
    selectors, path = spec.selectors, field / "selectors"
    yield from label_violations(path / "namespaceSelector", selectors.namespace_selector)
    yield from label_violations(
        path / "virtualMachineInstanceSelector", selectors.virtual_machine_instance_selector
    )


def _between_clusters(
    field: Path, spec: MigrationSpec, config: ClusterConfig
) -> Iterator[Violation]:
    sides = [
        (name, side)
        for name, side in (("sendTo", spec.send_to), ("receive", spec.receive))
        if side is not None
    ]
    if sides and not config.enabled("DecentralizedLiveMigration"):
        yield invalid(
            field / sides[0][0],
            "DecentralizedLiveMigration feature gate is not enabled in kubevirt resource",
        )
    if len({side.migration_id for _, side in sides}) > 1:
        yield invalid(
            field / "sendTo" / "migrationID",
            "spec.sendTo.migrationID must match spec.receive.migrationID when both are set",
        )
