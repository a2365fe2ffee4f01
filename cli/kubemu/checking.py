"""From a document to a VMI that may run here: parsed, validated, defaulted; or what is wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

import virtcrds
from virtcrds import (
    ClusterConfig,
    InvalidObject,
    Violation,
    VirtualMachine,
    VirtualMachineInstance,
)
from virtcrds.clusterconfig import RolloutStrategy
from virtlauncher.builder.placement import not_acted_on

from .documents import Document
from .errors import BadInput, Problem
from .manifests import renamed
from .names import VmName

CONFIG = ClusterConfig(
    feature_gates=frozenset({"HostDisk", "DownwardMetrics", "VSOCK", "HotplugVolumes"}),
    rollout_strategy=RolloutStrategy.STAGE,
)
"""A cluster of one machine whose owner is the user: what an administrator would have to allow
there is allowed here."""
_TEMPLATE = "spec.template."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """Everything `kubemu validate` says about one document."""

    kind: str
    name: str
    problems: tuple[Problem, ...] = ()
    unknown: tuple[str, ...] = ()
    """Paths of fields that the API does not have."""
    notes: tuple[str, ...] = ()
    not_acted_on: tuple[str, ...] = ()
    """Paths of fields that are accepted and have no effect on one machine."""

    @property
    def valid(self) -> bool:
        return not self.problems


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checked:
    vm: VmName
    document: Document
    vmi: VirtualMachineInstance
    """After defaulting."""
    report: Report
    claim_specs: dict[str, Any]
    """The specs of dataVolumeTemplates, by name."""

    def locate(self, field: str) -> str:
        """`FILE:LINE` of a field of the VMI, which may be below a VM's template."""
        inside = f"{_TEMPLATE}{field}"
        path = inside if self.report.kind == "VirtualMachine" else field
        return f"{self.document.source}:{self.document.line_of(path)}"


def report_on(document: Document, tree: Any = None) -> Report:
    """Parses and validates, never raises. `tree` replaces the document's own (another name)."""
    return _examine(document, document.tree if tree is None else tree)[0]


def check(document: Document, vm: VmName, uuid: str) -> Checked:
    """The VMI of a document, defaulted, with `uuid` as its firmware's unless it has its own.

    Raises BadInput with every problem in it.
    """
    report, parsed = _examine(document, renamed(document, vm))
    if parsed is None or not report.valid:
        raise BadInput("", problems=report.problems)
    claims: dict[str, Any] = {}
    if isinstance(parsed, VirtualMachine):
        _refuse_cluster_only(document, parsed)
        claims = {t.metadata.name: t.spec for t in parsed.spec.data_volume_templates}
    vmi = virtcrds.default(_instance_of(parsed), CONFIG, firmware_uuid=uuid)
    return Checked(vm=vm, document=document, vmi=vmi, report=report, claim_specs=claims)


def problem(document: Document, violation: Violation) -> Problem:
    """A violation with its place in the file; its sentence names the field, or the field leads."""
    message = violation.message
    if violation.field and not any(start in message for start in ("spec.", violation.field)):
        message = f"{violation.field}: {message}"
    return Problem(
        where=f"{document.source}:{document.line_of(violation.field)}",
        field=violation.field,
        message=message,
        reason=violation.reason,
    )


def _examine(document: Document, tree: Any) -> tuple[Report, Any]:
    name = _name(tree)
    try:
        parsed = virtcrds.parse(tree)
    except InvalidObject as error:
        problems = tuple(problem(document, violation) for violation in error.violations)
        return Report(kind=_kind(tree), name=name, problems=problems), None
    found = virtcrds.validate(parsed.object, CONFIG)
    kind = parsed.object.kind or type(parsed.object).__name__
    report = Report(
        kind=kind,
        name=name,
        problems=tuple(problem(document, violation) for violation in found),
        unknown=parsed.unknown,
        notes=(*parsed.notes, *virtcrds.warnings(parsed.object)),
        not_acted_on=tuple(_not_acted_on(parsed.object)),
    )
    return report, parsed.object


def _not_acted_on(parsed: Any) -> list[str]:
    if isinstance(parsed, VirtualMachineInstance):
        return not_acted_on(parsed)
    if isinstance(parsed, VirtualMachine) and parsed.spec.template is not None:
        return [f"{_TEMPLATE}{path}" for path in not_acted_on(virtcrds.vmi_of(parsed))]
    return []


def _instance_of(parsed: Any) -> VirtualMachineInstance:
    if isinstance(parsed, VirtualMachine):
        return virtcrds.vmi_of(parsed)
    assert isinstance(parsed, VirtualMachineInstance)
    return parsed


def _refuse_cluster_only(document: Document, vm: VirtualMachine) -> None:
    for field, value in (
        ("spec.instancetype", vm.spec.instancetype),
        ("spec.preference", vm.spec.preference),
    ):
        if value is not None:
            raise BadInput(
                f"{field} names an object that only a cluster has",
                where=f"{document.source}:{document.line_of(field)}",
                hint="write what it stands for into the template to run the VM here",
            )


def _kind(tree: Any) -> str:
    kind = tree.get("kind") if isinstance(tree, dict) else None
    return kind if isinstance(kind, str) else "?"


def _name(tree: Any) -> str:
    metadata = tree.get("metadata") if isinstance(tree, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else "?"
