"""The VMI that a start makes, and the revision that remembers what it was made from. Pure."""

from __future__ import annotations

from typing import Any

from ... import names
from ...kinds import REVISION, VMI
from ..trees import at, copied, meta, name_of, owner_reference, uid_of
from ..vmi.preparing import with_addresses

Json = dict[str, Any]


def revision_name(vm: Json) -> str:
    """One revision for each generation that was started."""
    return f"revision-start-vm-{uid_of(vm)}-{_generation(vm)}"


def start_revision(vm: Json) -> Json:
    """The VM's spec as it is now, kept for as long as an instance of it runs."""
    return {
        "apiVersion": REVISION.api_version,
        "kind": REVISION.kind,
        "metadata": {
            "name": revision_name(vm),
            "namespace": meta(vm)["namespace"],
            "labels": {names.CREATED_BY: uid_of(vm)},
            "ownerReferences": [owner_reference(vm)],
        },
        "data": {"spec": vm["spec"]},
        "revision": _generation(vm),
    }


def instance(vm: Json, *, paused: bool = False) -> Json:
    """The VMI of a start now; it waits with its first instruction when `paused`."""
    template = vm["spec"]["template"]
    spec = copied(template["spec"])
    with_addresses(spec, uid_of(vm))
    if paused:
        spec["startStrategy"] = "Paused"
    return {
        "apiVersion": VMI.api_version,
        "kind": VMI.kind,
        "metadata": {
            "name": name_of(vm),
            "namespace": meta(vm)["namespace"],
            "labels": dict(at(template, "metadata", "labels") or {}),
            "annotations": {
                **(at(template, "metadata", "annotations") or {}),
                names.VM_GENERATION: str(_generation(vm)),
            },
            "finalizers": [names.VM_FINALIZER, names.VMI_FINALIZER],
            "ownerReferences": [owner_reference(vm)],
        },
        "spec": spec,
        "status": {"virtualMachineRevisionName": revision_name(vm)},
    }


def _generation(vm: Json) -> int:
    return int(meta(vm).get("generation") or 0)
