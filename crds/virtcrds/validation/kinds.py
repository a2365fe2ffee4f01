"""The rules for the kinds beside VirtualMachine and VirtualMachineInstance, by kind."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.kubevirt import KubeVirt
from ..core.migration import VirtualMachineInstanceMigration
from ..core.preset import VirtualMachineInstancePreset
from ..core.replicaset import VirtualMachineInstanceReplicaSet
from ..groups.instancetype import VirtualMachineClusterInstancetype, VirtualMachineInstancetype
from ..groups.policy import MigrationPolicy
from ..groups.pool import VirtualMachinePool
from ..groups.preference import VirtualMachineClusterPreference, VirtualMachinePreference
from ..kind import Kind
from ..violation import Violation
from .installation import kubevirt_violations, kubevirt_warnings
from .migration import migration_update, migration_violations, policy_violations
from .pool import pool_update, pool_violations
from .preset import preset_violations
from .replicaset import replica_set_violations
from .sizes import instancetype_violations, preference_violations
from .warn import PRESETS_GO, machine_warnings


def kind_violations(obj: Kind, config: ClusterConfig) -> Iterator[Violation]:
    """What is wrong with the object; nothing for kinds that have no rules beyond their schema."""
    match obj:
        case VirtualMachineInstanceReplicaSet():
            return replica_set_violations(obj, config)
        case VirtualMachinePool():
            return pool_violations(obj, config)
        case VirtualMachineInstanceMigration():
            return migration_violations(obj, config)
        case MigrationPolicy():
            return policy_violations(obj)
        case VirtualMachineInstancetype() | VirtualMachineClusterInstancetype():
            return instancetype_violations(obj.spec)
        case VirtualMachinePreference() | VirtualMachineClusterPreference():
            return preference_violations(obj.spec)
        case VirtualMachineInstancePreset():
            return preset_violations(obj, config)
        case KubeVirt():
            return kubevirt_violations(obj)
        case _:
            return iter(())


def kind_update(old: Kind, new: Kind) -> Iterator[Violation]:
    match old, new:
        case VirtualMachinePool(), VirtualMachinePool():
            return pool_update(old, new)
        case VirtualMachineInstanceMigration(), VirtualMachineInstanceMigration():
            return migration_update(old, new)
        case _:
            return iter(())


def kind_warnings(obj: Kind) -> Iterator[str]:
    match obj:
        case VirtualMachineInstancePreset():
            yield PRESETS_GO
        case VirtualMachinePool():
            template = "spec.virtualMachineTemplate.spec"
            yield from machine_warnings(template, obj.spec.virtual_machine_template.spec)
        case VirtualMachineInstancetype() | VirtualMachineClusterInstancetype():
            if obj.spec.launch_security is not None:
                yield (
                    "launchSecurity is deprecated and will be removed in a future release. "
                    "Use preference instead."
                )
        case KubeVirt():
            yield from kubevirt_warnings(obj)
        case _:
            pass
