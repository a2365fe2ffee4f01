"""`kubemu validate`: what KubeVirt would say to manifests, and what kubemu would."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from virtcrds import Violation

from .. import checking, say
from ..checking import Report
from ..documents import Document
from ..exits import Exit
from ..manifests import read_file, sort_documents
from ..say import Output
from ..standin import find_unsupported
from .common import OutputOption


def command(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="'-': standard input.")],
    output: OutputOption = Output.TEXT,
) -> None:
    """Check manifests as KubeVirt's admission would; nothing is started.

    Exit status 1 when something would be refused. Fields that the API does not know are warnings.
    """
    documents = [document for path in files for document in read_file(path)]
    sort_documents(documents)
    found = [(document, _report(document)) for document in documents]
    if output is Output.JSON:
        say.result_json([_tree(document, report) for document, report in found])
    else:
        for document, report in found:
            _show(document, report)
    if any(report is not None and not report.valid for _, report in found):
        raise typer.Exit(Exit.REFUSED)


def _report(document: Document) -> Report | None:
    """None for a document of another API, which is not ours to judge."""
    version = document.tree.get("apiVersion")
    group = version.rpartition("/")[0] if isinstance(version, str) else ""
    return checking.report_on(document) if group.endswith("kubevirt.io") else None


def _unsupported(document: Document, report: Report) -> list[Violation]:
    if not report.valid or report.kind not in ("VirtualMachine", "VirtualMachineInstance"):
        return []
    return find_unsupported(document)


def _show(document: Document, report: Report | None) -> None:
    place = f"{document.source}:{document.line}"
    if report is None:
        say.result(f"{place}: {_title(document)}: not checked")
        return
    say.result(f"{place}: {report.kind} {report.name}: {'valid' if report.valid else 'refused'}")
    for problem in report.problems:
        say.result(f"  {problem}")
    for path in report.unknown:
        line = document.line_of(path)
        say.result(f"  {document.source}:{line}: warning: unknown field {path}")
    for sentence in report.notes:
        say.result(f"  warning: {sentence}")
    if report.not_acted_on:
        say.result(f"  accepted, not acted on yet: {', '.join(report.not_acted_on)}")
    for violation in _unsupported(document, report):
        field = f"{violation.field}: " if violation.field else ""
        say.result(f"  kubemu run refuses this: {field}{violation.message}")


def _title(document: Document) -> str:
    metadata = document.tree.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{document.tree['kind']} {name or '?'}"


def _tree(document: Document, report: Report | None) -> dict[str, Any]:
    head = {"file": document.source, "document": document.number, "line": document.line}
    if report is None:
        return {**head, "kind": document.tree["kind"], "checked": False}
    return {
        **head,
        "kind": report.kind,
        "name": report.name,
        "checked": True,
        "valid": report.valid,
        "violations": [
            {"where": p.where, "field": p.field, "message": p.message, "reason": p.reason}
            for p in report.problems
        ],
        "unknownFields": list(report.unknown),
        "warnings": list(report.notes),
        "notActedOn": list(report.not_acted_on),
        "unsupported": [
            {"field": v.field, "message": v.message} for v in _unsupported(document, report)
        ],
    }
