"""From a YAML or JSON document to a model of the API."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, NoReturn

from . import ancient
from .catalog import BY_KIND
from .kind import Kind
from .plain import PlainTree
from .resource import Resource
from .violation import InvalidObject, Violation

_MAX_VIOLATIONS = 100
_GOING = "v1alpha3"
"""The version of kubevirt.io that users are warned of, but for the kind that is stored in it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parsed:
    """An object, and what its author should know about the document."""

    object: Kind
    unknown: tuple[str, ...] = ()
    """Paths of fields that the API does not have; they are kept and have no effect."""
    notes: tuple[str, ...] = ()
    """Sentences about an old version, and old spellings that were read as today's."""


def parse(document: Any) -> Parsed:
    """Reads a document as YAML or JSON parsers return it, of any version of any kind.

    The object has the storage version's apiVersion. Raises InvalidObject: no object, unknown kind,
    wrong types, required fields missing, or too deep or too large. Whether the values make sense
    is for `validate`.
    """
    tree = PlainTree().copy(document)
    if not isinstance(tree, dict):
        _refuse("", "the document is no object with apiVersion and kind")
    group, version, kind = _identity(tree)
    rewritten = ancient.Rewritten(tree=tree, notes=())
    if group == "kubevirt.io" and version in ancient.VERSIONS:
        rewritten = ancient.rewrite(tree)
        version, kind = "v1", rewritten.tree["kind"]
    resource = _resource(group, version, kind)
    current = rewritten.tree | {"apiVersion": f"{group}/{resource.storage_version}"}
    try:
        value = resource.model().from_json(current)
    except InvalidObject as error:
        raise InvalidObject(_as_written(error.violations, rewritten)) from error
    unknown = tuple(rewritten.original(path) for path in value.unknown_fields())
    return Parsed(object=value, unknown=unknown, notes=(*rewritten.notes, *_old(resource, version)))


def _identity(tree: dict[str, Any]) -> tuple[str, str, str]:
    for field in ("apiVersion", "kind"):
        if not isinstance(tree.get(field), str) or not tree[field]:
            _refuse(field, f"{field} in body is required and must be of type string")
    group, _, version = tree["apiVersion"].rpartition("/")
    return group, version, tree["kind"]


def _resource(group: str, version: str, kind: str) -> Resource:
    resource = BY_KIND.get((group, kind))
    if resource is None or version not in {known.name for known in resource.versions}:
        name = f"{group}/{version}" if group else version
        _refuse("kind", f'no matches for kind "{kind[:64]}" in version "{name[:128]}"')
    return resource


def _old(resource: Resource, version: str) -> Iterator[str]:
    if version == _GOING != resource.storage_version:
        name = f"{resource.group}/{version}"
        yield f"{name} is now deprecated and will be removed in a future release."


def _as_written(
    violations: tuple[Violation, ...], rewritten: ancient.Rewritten
) -> tuple[Violation, ...]:
    """The violations with paths that the document has, and no more than anybody would read."""
    return tuple(
        dataclasses.replace(
            violation,
            field=rewritten.original(violation.field),
            message=rewritten.original(violation.field)
            + violation.message.removeprefix(violation.field),
        )
        for violation in violations[:_MAX_VIOLATIONS]
    )


def _refuse(field: str, message: str) -> NoReturn:
    raise InvalidObject((Violation(field=field, message=message),))
