"""The kinds of the API: names, versions, scope, and which model describes each.

Data only; the models are imported when somebody asks for one.
"""

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


V1 = Version(name="v1")
V1ALPHA3 = Version(name="v1alpha3", storage=False)
AGE = Column(name="Age", path=".metadata.creationTimestamp", type="date")
PHASE = Column(name="Phase", path=".status.phase")


def _condition(kind: str) -> str:
    return f".status.conditions[?(@.type=='{kind}')].status"


RESOURCES = (
    Resource(
        kind="VirtualMachineInstance",
        group="kubevirt.io",
        plural="virtualmachineinstances",
        short_names=("vmi", "vmis"),
        versions=(V1, V1ALPHA3),
        module="core.vmi",
        columns=(
            AGE,
            PHASE,
            Column(name="IP", path=".status.interfaces[0].ipAddress"),
            Column(name="NodeName", path=".status.nodeName"),
            Column(name="Ready", path=_condition("Ready")),
            Column(name="Live-Migratable", path=_condition("LiveMigratable"), wide=True),
            Column(name="Paused", path=_condition("Paused"), wide=True),
        ),
    ),
    Resource(
        kind="VirtualMachine",
        group="kubevirt.io",
        plural="virtualmachines",
        short_names=("vm", "vms"),
        versions=(V1, V1ALPHA3),
        module="core.vm",
        subresources=(STATUS,),
        columns=(
            AGE,
            Column(name="Status", path=".status.printableStatus"),
            Column(name="Ready", path=_condition("Ready")),
        ),
    ),
)

BY_KIND = {(resource.group, resource.kind): resource for resource in RESOURCES}
