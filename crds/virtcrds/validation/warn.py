"""Warnings: what still works, but will not for ever. An API server shows them with its answer."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.vm import VirtualMachine, VirtualMachineSpec
from ..core.vmi import VirtualMachineInstance
from ..kind import Kind

PRESETS_GO = (
    "kubevirt.io/v1 VirtualMachineInstancePresets is now deprecated and will be removed in v2."
)


def warnings(obj: Kind) -> list[str]:
    """One sentence for everything deprecated that the object uses; `parse` notes its version."""
    return list(_warnings(obj))


def _warnings(obj: Kind) -> Iterator[str]:
    if isinstance(obj, VirtualMachine):
        yield from machine_warnings("spec", obj.spec)
    elif isinstance(obj, VirtualMachineInstance):
        if any("virtualmachinepreset" in annotation for annotation in obj.metadata.annotations):
            yield PRESETS_GO
    else:
        from . import kinds  # The models of all the other kinds take their time to load.

        yield from kinds.kind_warnings(obj)


def machine_warnings(field: str, spec: VirtualMachineSpec) -> Iterator[str]:
    if spec.running is not None:
        yield f"{field}.running is deprecated, please use {field}.runStrategy instead."
