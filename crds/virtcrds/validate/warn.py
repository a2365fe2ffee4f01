"""Warnings: what still works, but will not for ever. An API server shows them with its answer."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.vm import VirtualMachine
from ..core.vmi import VirtualMachineInstance
from ..kind import Kind

_OLD_VERSION = "kubevirt.io/v1alpha3"
_PRESETS = (
    "kubevirt.io/v1 VirtualMachineInstancePresets is now deprecated and will be removed in v2."
)


def warnings(obj: Kind) -> list[str]:
    """One sentence for everything deprecated that the object uses."""
    return list(_warnings(obj))


def _warnings(obj: Kind) -> Iterator[str]:
    if obj.api_version == _OLD_VERSION:
        yield f"{_OLD_VERSION} is now deprecated and will be removed in a future release."
    if isinstance(obj, VirtualMachine) and obj.spec.running is not None:
        yield "spec.running is deprecated, please use spec.runStrategy instead."
    if isinstance(obj, VirtualMachineInstance) and any(
        "virtualmachinepreset" in annotation for annotation in obj.metadata.annotations
    ):
        yield _PRESETS
