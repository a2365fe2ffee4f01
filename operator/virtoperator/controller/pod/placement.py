"""On which nodes the pod may run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from virtcrds import VirtualMachineInstance
from virtcrds.core.cpu import CPU
from virtcrds.core.vmi import VirtualMachineInstanceSpec

from ... import names
from ...settings import Settings

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_OBSOLETE = "node-labeller.kubevirt.io/obsolete-host-model"
_GENERAL_MODELS = ("", "host-model", "host-passthrough")
_OF_DEDICATED_CPUS = "kubevirt.io/cpumanager"
_OF_REALTIME = "kubevirt.io/realtime"
Json = dict[str, Any]


def placement(vmi: VirtualMachineInstance, settings: Settings) -> Json:
    """The fields of a pod's spec that say where it may run."""
    spec = vmi.spec
    fields: Json = {
        "nodeSelector": node_selector(spec, settings),
        "affinity": affinity(spec),
        "tolerations": [one.to_json() for one in spec.tolerations],
        "topologySpreadConstraints": [one.to_json() for one in spec.topology_spread_constraints],
        "priorityClassName": spec.priority_class_name,
        "schedulerName": spec.scheduler_name,
    }
    return {name: value for name, value in fields.items() if value}


def node_selector(spec: VirtualMachineInstanceSpec, settings: Settings) -> dict[str, str]:
    """Labels that the node must have; what the user wrote goes last."""
    cpu = spec.domain.cpu or CPU()
    wanted = {names.SCHEDULABLE: "true"}
    if spec.architecture:
        wanted["kubernetes.io/arch"] = spec.architecture
    if not settings.use_emulation:
        wanted[names.KVM_USABLE] = "usable"
    wanted |= dict.fromkeys(_capabilities(spec, cpu, settings), "true")
    return {**wanted, **settings.node_selectors, **spec.node_selector}


def _capabilities(spec: VirtualMachineInstanceSpec, cpu: CPU, settings: Settings) -> Iterator[str]:
    machine = spec.domain.machine.type if spec.domain.machine else ""
    if machine and machine != settings.config.machine_type(spec.architecture):
        yield names.MACHINE_TYPE_PREFIX + machine
    if cpu.model not in _GENERAL_MODELS:
        yield names.CPU_MODEL_PREFIX + cpu.model
    for feature in cpu.features:
        if feature.policy in ("", "require"):
            yield names.CPU_FEATURE_PREFIX + feature.name
    if cpu.dedicated_cpu_placement:
        yield _OF_DEDICATED_CPUS
    if cpu.realtime is not None:
        yield _OF_REALTIME


def affinity(spec: VirtualMachineInstanceSpec) -> Json:
    """What the user wrote, and in each of its node terms what the CPU must not meet."""
    tree = spec.affinity.to_json() if spec.affinity else {}
    forbidden = list(_forbidden(spec.domain.cpu or CPU()))
    if not forbidden:
        return tree
    absent = [{"key": key, "operator": "DoesNotExist"} for key in forbidden]
    node = dict(tree.get("nodeAffinity") or {})
    # The terms are alternatives: each of them has to carry the condition.
    terms = (node.get(_REQUIRED) or {}).get("nodeSelectorTerms") or [{}]
    node[_REQUIRED] = {
        "nodeSelectorTerms": [
            {**term, "matchExpressions": [*(term.get("matchExpressions") or ()), *absent]}
            for term in terms
        ]
    }
    return {**tree, "nodeAffinity": node}


def _forbidden(cpu: CPU) -> Iterator[str]:
    if cpu.model in ("", "host-model"):
        yield _OBSOLETE
    for feature in cpu.features:
        if feature.policy == "forbid":
            yield names.CPU_FEATURE_PREFIX + feature.name
