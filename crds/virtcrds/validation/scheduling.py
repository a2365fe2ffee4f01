"""Where the VM's pod may run. The rules and the sentences are those of a pod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..clusterconfig import ClusterConfig
from ..core.vmi import VirtualMachineInstanceSpec
from ..kubernetes.meta import LabelSelector
from ..kubernetes.scheduling import (
    NodeAffinity,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PodAffinity,
    PodAffinityTerm,
    Toleration,
)
from ..violation import Violation
from .causes import invalid
from .kubenames import (
    label_complaints,
    label_value_complaints,
    qualified_name_complaints,
    subdomain_complaints,
)
from .path import Path

_EFFECTS = ("", "NoSchedule", "PreferNoSchedule", "NoExecute")
_WEIGHTS = range(1, 101)


def node_selector(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    yield from label_violations(field / "nodeSelector", spec.node_selector)


def affinity(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    wishes, path = spec.affinity, field / "affinity"
    if wishes is None:
        return
    if wishes.node_affinity is not None:
        yield from _node_affinity(path / "nodeAffinity", wishes.node_affinity)
    if wishes.pod_affinity is not None:
        yield from _pod_affinity(path / "podAffinity", wishes.pod_affinity)
    if wishes.pod_anti_affinity is not None:
        yield from _pod_affinity(path / "podAntiAffinity", wishes.pod_anti_affinity)


def tolerations(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    for index, toleration in enumerate(spec.tolerations):
        yield from _toleration((field / "tolerations").at(index), toleration)


def topology_spread(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    for index, constraint in enumerate(spec.topology_spread_constraints):
        path = (field / "topologySpreadConstraints").at(index)
        if constraint.max_skew <= 0:
            yield _value(path / "maxSkew", constraint.max_skew, "must be greater than zero")
        if not constraint.topology_key:
            yield _needed(path / "topologyKey", "can not be empty")
        if constraint.when_unsatisfiable not in ("DoNotSchedule", "ScheduleAnyway"):
            yield _unsupported(
                path / "whenUnsatisfiable",
                constraint.when_unsatisfiable,
                ("DoNotSchedule", "ScheduleAnyway"),
            )
        yield from selector_violations(path / "labelSelector", constraint.label_selector)


def label_violations(path: Path, labels: Mapping[str, str]) -> Iterator[Violation]:
    """Keys and values that no object can be labelled with."""
    for key, value in labels.items():
        yield from _bad(path, key, qualified_name_complaints(key))
        yield from _bad(path, value, label_value_complaints(value))


def selector_violations(path: Path, selector: LabelSelector | None) -> Iterator[Violation]:
    """A label selector's own rules, wherever one stands."""
    if selector is None:
        return
    yield from label_violations(path / "matchLabels", selector.match_labels)
    for index, requirement in enumerate(selector.match_expressions):
        where = (path / "matchExpressions").at(index)
        match requirement.operator:
            case "In" | "NotIn":
                if not requirement.values:
                    yield _needed(
                        where / "values", "must be specified when `operator` is 'In' or 'NotIn'"
                    )
            case "Exists" | "DoesNotExist":
                yield from _no_values(where, requirement.values)
            case unknown:
                yield _value(where / "operator", unknown, "not a valid selector operator")
        yield from _bad(where / "key", requirement.key, qualified_name_complaints(requirement.key))


def _node_affinity(path: Path, wishes: NodeAffinity) -> Iterator[Violation]:
    needed = wishes.required_during_scheduling_ignored_during_execution
    if needed is not None:
        terms = path / "requiredDuringSchedulingIgnoredDuringExecution" / "nodeSelectorTerms"
        if not needed.node_selector_terms:
            yield _needed(terms, "must have at least one node selector term")
        for index, term in enumerate(needed.node_selector_terms):
            yield from _node_term(terms.at(index), term)
    preferred = path / "preferredDuringSchedulingIgnoredDuringExecution"
    for index, wish in enumerate(wishes.preferred_during_scheduling_ignored_during_execution):
        yield from _weight(preferred.at(index), wish.weight)
        yield from _node_term(preferred.at(index) / "preference", wish.preference)


def _node_term(path: Path, term: NodeSelectorTerm) -> Iterator[Violation]:
    for index, requirement in enumerate(term.match_expressions):
        yield from _node_label((path / "matchExpressions").at(index), requirement)
    for index, requirement in enumerate(term.match_fields):
        yield from _node_field((path / "matchFields").at(index), requirement)


def _node_label(path: Path, requirement: NodeSelectorRequirement) -> Iterator[Violation]:
    values = requirement.values
    match requirement.operator:
        case "In" | "NotIn":
            if not values:
                yield _needed(
                    path / "values", "must be specified when `operator` is 'In' or 'NotIn'"
                )
        case "Exists" | "DoesNotExist":
            yield from _no_values(path, values)
        case "Gt" | "Lt":
            if len(values) != 1:
                yield _needed(
                    path / "values",
                    "must be specified single value when `operator` is 'Lt' or 'Gt'",
                )
        case unknown:
            yield _value(path / "operator", unknown, "not a valid selector operator")
    yield from _bad(path / "key", requirement.key, qualified_name_complaints(requirement.key))


def _node_field(path: Path, requirement: NodeSelectorRequirement) -> Iterator[Violation]:
    if requirement.operator not in ("In", "NotIn"):
        yield _value(path / "operator", requirement.operator, "not a valid selector operator")
    elif len(requirement.values) != 1:
        yield _needed(
            path / "values",
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
        )
    if requirement.key != "metadata.name":
        yield _value(path / "key", requirement.key, "not a valid field selector key")
        return
    for index, value in enumerate(requirement.values):
        yield from _bad((path / "values").at(index), value, subdomain_complaints(value))


def _pod_affinity(path: Path, wishes: PodAffinity) -> Iterator[Violation]:
    needed = path / "requiredDuringSchedulingIgnoredDuringExecution"
    for index, term in enumerate(wishes.required_during_scheduling_ignored_during_execution):
        yield from _pod_term(needed.at(index), term)
    preferred = path / "preferredDuringSchedulingIgnoredDuringExecution"
    for index, wish in enumerate(wishes.preferred_during_scheduling_ignored_during_execution):
        yield from _weight(preferred.at(index), wish.weight)
        yield from _pod_term(preferred.at(index) / "podAffinityTerm", wish.pod_affinity_term)


def _pod_term(path: Path, term: PodAffinityTerm) -> Iterator[Violation]:
    yield from selector_violations(path / "labelSelector", term.label_selector)
    yield from selector_violations(path / "namespaceSelector", term.namespace_selector)
    for namespace in term.namespaces:
        yield from _bad(path / "namespace", namespace, label_complaints(namespace))
    if not term.topology_key:
        yield _needed(path / "topologyKey", "can not be empty")
    yield from _bad(
        path / "topologyKey", term.topology_key, qualified_name_complaints(term.topology_key)
    )


def _toleration(path: Path, toleration: Toleration) -> Iterator[Violation]:
    if toleration.key:
        yield from _bad(path / "key", toleration.key, qualified_name_complaints(toleration.key))
    elif toleration.operator != "Exists":
        yield _value(
            path / "operator",
            toleration.operator,
            "operator must be Exists when `key` is empty, "
            'which means "match all values and all keys"',
        )
    match toleration.operator:
        case "" | "Equal":
            complaints = label_value_complaints(toleration.value)
            yield from _bad(path / "operator", toleration.value, complaints)
        case "Exists":
            if toleration.value:
                yield _value(
                    path / "operator",
                    toleration.operator,
                    "value must be empty when `operator` is 'Exists'",
                )
        case unknown:
            yield _unsupported(path / "operator", unknown, ("Equal", "Exists"))
    if toleration.effect not in _EFFECTS:
        yield _unsupported(path / "effect", toleration.effect, _EFFECTS[1:])
    elif toleration.toleration_seconds is not None and toleration.effect != "NoExecute":
        yield _value(
            path / "effect",
            toleration.effect,
            "effect must be 'NoExecute' when `tolerationSeconds` is set",
        )


def _weight(path: Path, weight: int) -> Iterator[Violation]:
    if weight not in _WEIGHTS:
        yield _value(path / "weight", weight, "must be in the range 1-100")


def _no_values(path: Path, values: Sequence[str]) -> Iterator[Violation]:
    if values:
        where = path / "values"
        yield invalid(
            where,
            f"{where}: Forbidden: may not be specified when `operator` is 'Exists' or "
            "'DoesNotExist'",
        )


def _bad(path: Path, value: str, complaints: Sequence[str]) -> Iterator[Violation]:
    for complaint in complaints:
        yield _value(path, value, complaint)


def _value(path: Path, value: str | int, complaint: str) -> Violation:
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return invalid(path, f"{path}: Invalid value: {shown}: {complaint}")


def _unsupported(path: Path, value: str, allowed: Sequence[str]) -> Violation:
    listed = ", ".join(f'"{one}"' for one in allowed)
    return invalid(path, f'{path}: Unsupported value: "{value}": supported values: {listed}')


def _needed(path: Path, complaint: str) -> Violation:
    return invalid(path, f"{path}: Required value: {complaint}")
