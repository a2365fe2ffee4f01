"""A kind as the API server knows it: names, versions, scope, columns, and its model."""

from __future__ import annotations

import dataclasses
import importlib

from .kind import Kind

STATUS = "status"
SCALE = "scale"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Version:
    name: str
    deprecated: bool = False
    storage: bool = True
    """One version of a resource is what etcd holds."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Column:
    """A column of `kubectl get`."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False
    """Only shown by `kubectl get -o wide`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Resource:
    """One kind as the API server knows it."""

    kind: str
    group: str
    plural: str
    short_names: tuple[str, ...]
    versions: tuple[Version, ...]
    module: str
    """Module of the model, below this package; the model's name is the kind."""
    namespaced: bool = True
    label: str = "kubevirt.io"
    """Label of the CRD itself; its value is empty."""
    in_all: bool = True
    """Whether `kubectl get all` lists it."""
    subresources: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()

    @property
    def storage_version(self) -> str:
        return next(version.name for version in self.versions if version.storage)

    def model(self) -> type[Kind]:
        module = importlib.import_module(f".{self.module}", __package__)
        model: type[Kind] = getattr(module, self.kind)
        return model
