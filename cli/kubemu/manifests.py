"""A manifest file: which documents are VMs, what the others give them, what is left aside."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .contents import Contents, read_contents
from .documents import Document, Limits, read_documents
from .errors import BadInput
from .names import DEFAULT_NAMESPACE, VmName

RUNNABLE = ("VirtualMachine", "VirtualMachineInstance")
_CLAIMS = ("PersistentVolumeClaim", "DataVolume")
STDIN = "-"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """All documents of the files that were given together."""

    machines: tuple[Document, ...]
    """VirtualMachines and VirtualMachineInstances."""
    contents: Contents
    claims: Mapping[str, Document] = dataclasses.field(default_factory=dict)
    """PersistentVolumeClaims and DataVolumes by name: their sizes are used."""
    others: tuple[Document, ...] = ()


def read_manifest(path: str) -> Manifest:
    """Reads a file, or standard input for '-'. Raises BadInput."""
    return sort_documents(read_file(path))


def read_file(path: str) -> list[Document]:
    """The documents of a file, Lists taken apart. Raises BadInput."""
    limit = Limits().size
    try:
        if path == STDIN:
            source, data = "<stdin>", sys.stdin.buffer.read(limit + 1)
        else:
            source = path
            with Path(path).open("rb") as file:
                data = file.read(limit + 1)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=path) from error
    return [item for document in read_documents(data, source) for item in _items(document)]


def sort_documents(documents: list[Document]) -> Manifest:
    """What each document is for. Raises BadInput for one that is no Kubernetes object."""
    machines, others, contents = [], [], []
    claims: dict[str, Document] = {}
    for document in documents:
        kind = _kind(document)
        if kind in RUNNABLE:
            machines.append(document)
        elif kind in ("Secret", "ConfigMap"):
            contents.append(document)
        elif kind in _CLAIMS:
            claims[_metadata(document, "name")] = document
        else:
            others.append(document)
    return Manifest(
        machines=tuple(machines),
        contents=read_contents(contents),
        claims=claims,
        others=tuple(others),
    )


def choose_machine(manifest: Manifest, name: str, source: str) -> Document:
    """The VM to run: the one of that name, or the only one. Raises BadInput."""
    if not manifest.machines:
        kinds = sorted({_kind(document) for document in manifest.others})
        found = f", only {', '.join(kinds)}" if kinds else ""
        raise BadInput(
            f"has no VirtualMachine or VirtualMachineInstance{found}",
            where=source,
            hint="those two kinds run here; others are for a cluster",
        )
    named = [document for document in manifest.machines if _metadata(document, "name") == name]
    candidates = named or list(manifest.machines)
    if len(candidates) > 1:
        names = ", ".join(_metadata(document, "name") or "?" for document in candidates)
        raise BadInput(f"has several VMs: {names}", where=source, hint="choose one with --name")
    return candidates[0]


def name_of(document: Document, name: str, namespace: str, suffix: str) -> VmName:
    """The VM's name: the flag's, the document's, or its generateName with `suffix`. BadInput."""
    own = _metadata(document, "name")
    prefix = _metadata(document, "generateName")
    chosen = name or own or (f"{prefix}{suffix}" if prefix else "")
    if not chosen:
        raise BadInput("metadata.name is missing", where=document.where, hint="or give --name")
    return VmName(
        namespace=namespace or _metadata(document, "namespace") or DEFAULT_NAMESPACE, name=chosen
    )


def renamed(document: Document, vm: VmName) -> Any:
    """The document's tree with that name."""
    metadata = document.tree.get("metadata")
    known = metadata if isinstance(metadata, dict) else {}
    return {
        **document.tree,
        "metadata": {**known, "name": vm.name, "namespace": vm.namespace},
    }


def _items(document: Document) -> Iterator[Document]:
    """`kind: List` is how kubectl prints several objects."""
    tree = document.tree
    items = tree.get("items") if isinstance(tree, dict) and tree.get("kind") == "List" else None
    if not isinstance(items, list):
        yield document
        return
    for index, item in enumerate(items):
        head = f"items[{index}]"
        yield dataclasses.replace(
            document,
            tree=item,
            line=document.line_of(head),
            lines={
                path[len(head) :].lstrip("."): line
                for path, line in document.lines.items()
                if path.startswith(head)
            },
        )


def _kind(document: Document) -> str:
    tree = document.tree
    if not isinstance(tree, dict) or not isinstance(tree.get("kind"), str):
        raise BadInput("is no Kubernetes object: it has no kind", where=document.where)
    kind: str = tree["kind"]
    return kind


def _metadata(document: Document, key: str) -> str:
    metadata = document.tree.get("metadata")
    value = metadata.get(key) if isinstance(metadata, dict) else None
    return value if isinstance(value, str) else ""
