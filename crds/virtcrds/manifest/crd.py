"""CustomResourceDefinitions: a resource's names and versions around its schema."""

from __future__ import annotations

from typing import Any

from ..resource import SCALE, STATUS, Column, Resource, Version
from .structural import Schema, kind_schema


def crd(resource: Resource) -> dict[str, Any]:
    """The manifest of one resource. All its versions have the same schema."""
    schema = kind_schema(resource.model())
    names: dict[str, Any] = {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.kind.lower(),
    }
    if resource.short_names:
        names["shortNames"] = list(resource.short_names)
    if resource.in_all:
        names["categories"] = ["all"]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{resource.plural}.{resource.group}",
            "labels": {resource.label: ""},
        },
        "spec": {
            "group": resource.group,
            "names": names,
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "versions": [_version(resource, version, schema) for version in resource.versions],
        },
    }


def _version(resource: Resource, version: Version, schema: Schema) -> dict[str, Any]:
    result: dict[str, Any] = {"name": version.name, "served": True, "storage": version.storage}
    if version.deprecated:
        result["deprecated"] = True
    if resource.columns:
        result["additionalPrinterColumns"] = [_column(column) for column in resource.columns]
    if resource.subresources:
        result["subresources"] = {name: _SUBRESOURCES[name] for name in resource.subresources}
    return result | {"schema": {"openAPIV3Schema": schema}}


_SUBRESOURCES: dict[str, dict[str, str]] = {
    STATUS: {},
    SCALE: {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.labelSelector",
    },
}


def _column(column: Column) -> dict[str, Any]:
    result: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return result | ({"priority": 1} if column.wide else {})
