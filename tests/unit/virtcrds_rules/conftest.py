"""A small VM that is right, and ways to make it wrong: one YAML snippet at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from virtcrds import ClusterConfig, VirtualMachine, VirtualMachineInstance, validate

GOOD_SPEC = """
domain:
  memory: {guest: 1Gi}
  devices:
    disks: [{name: root, disk: {bus: virtio}}]
    interfaces: [{name: default, masquerade: {}}]
networks: [{name: default, pod: {}}]
volumes: [{name: root, containerDisk: {image: "registry:5000/tiny:1"}}]
"""

Complaints = Callable[..., list[tuple[str, str]]]


def load(text: str) -> Any:
    return yaml.load(text, Loader=yaml.CSafeLoader)


def merged(tree: Any, changes: Any) -> Any:
    """Objects are merged, everything else is replaced; null removes."""
    if not isinstance(tree, dict) or not isinstance(changes, dict):
        return changes
    result = tree | {key: merged(tree.get(key), value) for key, value in changes.items()}
    return {key: value for key, value in result.items() if value is not None}


def vmi_with(changes: str = "{}", **metadata: Any) -> VirtualMachineInstance:
    spec = merged(load(GOOD_SPEC), load(changes))
    named = {"name": "vm", "namespace": "default"} | metadata
    return VirtualMachineInstance.from_json({"metadata": named, "spec": spec})


def vm_with(changes: str = "{}", **metadata: Any) -> VirtualMachine:
    template = {"spec": load(GOOD_SPEC)}
    spec = merged({"runStrategy": "Always", "template": template}, load(changes))
    named = {"name": "vm", "namespace": "default"} | metadata
    return VirtualMachine.from_json({"metadata": named, "spec": spec})


@pytest.fixture
def make_vmi() -> Callable[..., VirtualMachineInstance]:
    return vmi_with


@pytest.fixture
def make_vm() -> Callable[..., VirtualMachine]:
    return vm_with


@pytest.fixture
def complaints() -> Complaints:
    """(field, message) of everything wrong with the good instance after `changes` to its spec."""

    def judge(changes: str = "{}", *gates: str, **metadata: Any) -> list[tuple[str, str]]:
        config = ClusterConfig(feature_gates=frozenset(gates))
        found = validate(vmi_with(changes, **metadata), config)
        return [(violation.field, violation.message) for violation in found]

    return judge


@pytest.fixture
def vm_complaints() -> Complaints:
    """The same for a VirtualMachine with that instance as its template."""

    def judge(changes: str = "{}", *gates: str, **metadata: Any) -> list[tuple[str, str]]:
        config = ClusterConfig(feature_gates=frozenset(gates))
        found = validate(vm_with(changes, **metadata), config)
        return [(violation.field, violation.message) for violation in found]

    return judge
