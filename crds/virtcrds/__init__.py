"""The kubevirt.io API as pydantic models: parsing, defaulting, validation, CRD manifests.

A name is imported when it is first used: whoever needs one kind does not pay for the others.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clusterconfig import ClusterConfig as ClusterConfig
    from .core.kubevirt import KubeVirt as KubeVirt
    from .core.migration import VirtualMachineInstanceMigration as VirtualMachineInstanceMigration
    from .core.preset import VirtualMachineInstancePreset as VirtualMachineInstancePreset
    from .core.replicaset import (
        VirtualMachineInstanceReplicaSet as VirtualMachineInstanceReplicaSet,
    )
    from .core.vm import VirtualMachine as VirtualMachine
    from .core.vm import vmi_of as vmi_of
    from .core.vmi import VirtualMachineInstance as VirtualMachineInstance
    from .defaulting.instance import default as default
    from .defaulting.machine import default_vm as default_vm
    from .duration import Duration as Duration
    from .groups.backup import VirtualMachineBackup as VirtualMachineBackup
    from .groups.backup import VirtualMachineBackupTracker as VirtualMachineBackupTracker
    from .groups.clone import VirtualMachineClone as VirtualMachineClone
    from .groups.export import VirtualMachineExport as VirtualMachineExport
    from .groups.instancetype import (
        VirtualMachineClusterInstancetype as VirtualMachineClusterInstancetype,
    )
    from .groups.instancetype import VirtualMachineInstancetype as VirtualMachineInstancetype
    from .groups.plugin import Plugin as Plugin
    from .groups.policy import MigrationPolicy as MigrationPolicy
    from .groups.pool import VirtualMachinePool as VirtualMachinePool
    from .groups.preference import (
        VirtualMachineClusterPreference as VirtualMachineClusterPreference,
    )
    from .groups.preference import VirtualMachinePreference as VirtualMachinePreference
    from .groups.snapshot import VirtualMachineRestore as VirtualMachineRestore
    from .groups.snapshot import VirtualMachineSnapshot as VirtualMachineSnapshot
    from .groups.snapshot import VirtualMachineSnapshotContent as VirtualMachineSnapshotContent
    from .kubevirtconfig import config_of as config_of
    from .parsing import Parsed as Parsed
    from .parsing import parse as parse
    from .quantity import Quantity as Quantity
    from .validation import validate as validate
    from .validation import validate_creation as validate_creation
    from .validation import validate_update as validate_update
    from .validation import warnings as warnings
    from .violation import InvalidObject as InvalidObject
    from .violation import Violation as Violation

_HOMES = {
    "ClusterConfig": "clusterconfig",
    "Duration": "duration",
    "InvalidObject": "violation",
    "KubeVirt": "core.kubevirt",
    "MigrationPolicy": "groups.policy",
    "Parsed": "parsing",
    "Plugin": "groups.plugin",
    "Quantity": "quantity",
    "Violation": "violation",
    "VirtualMachine": "core.vm",
    "VirtualMachineBackup": "groups.backup",
    "VirtualMachineBackupTracker": "groups.backup",
    "VirtualMachineClone": "groups.clone",
    "VirtualMachineClusterInstancetype": "groups.instancetype",
    "VirtualMachineClusterPreference": "groups.preference",
    "VirtualMachineExport": "groups.export",
    "VirtualMachineInstance": "core.vmi",
    "VirtualMachineInstanceMigration": "core.migration",
    "VirtualMachineInstancePreset": "core.preset",
    "VirtualMachineInstanceReplicaSet": "core.replicaset",
    "VirtualMachineInstancetype": "groups.instancetype",
    "VirtualMachinePool": "groups.pool",
    "VirtualMachinePreference": "groups.preference",
    "VirtualMachineRestore": "groups.snapshot",
    "VirtualMachineSnapshot": "groups.snapshot",
    "VirtualMachineSnapshotContent": "groups.snapshot",
    "config_of": "kubevirtconfig",
    "default": "defaulting.instance",
    "default_vm": "defaulting.machine",
    "parse": "parsing",
    "validate": "validation",
    "validate_creation": "validation",
    "validate_update": "validation",
    "vmi_of": "core.vm",
    "warnings": "validation",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value
