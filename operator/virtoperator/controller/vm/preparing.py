"""A VM as it is kept: with its finalizer, and an identity for its guest. Pure."""

from __future__ import annotations

import uuid
from typing import Any

import virtcrds
from virtcrds import ClusterConfig, InvalidObject, Violation, VirtualMachine

from ... import names
from ..draft import Draft
from ..trees import at, meta, name_of, uid_of

_LEGACY = uuid.UUID("6a1a24a1-4061-4607-8bf4-a3963d0c5895")
"""KubeVirt's namespace for guests of VMs that were made before their UUIDs were kept."""
_OWN = uuid.UUID("5c9a9b0c-4c1f-4a52-8a38-9d8d7a1f3d5e")
Json = dict[str, Any]


def is_prepared(vm: Json) -> bool:
    """Whether `prepare` has been here, or the webhook and we."""
    firmware = at(vm, "spec", "template", "spec", "domain", "firmware") or {}
    finalizers = meta(vm).get("finalizers") or ()
    return names.VM_FINALIZER in finalizers and bool(firmware.get("uuid"))


def prepare(draft: Draft, config: ClusterConfig) -> None:
    """The finalizer, and a UUID that the guest keeps over restarts. Raises InvalidObject.

    A VM that we see for the first time gets an identity from its UID; one that has been handled
    before had the UUID that KubeVirt makes of its name.
    """
    vm = draft.tree
    finalizers = list(meta(vm).get("finalizers") or ())
    known = names.VM_FINALIZER in finalizers
    if not known:
        meta(vm)["finalizers"] = [*finalizers, names.VM_FINALIZER]
    parsed = _parsed(vm)
    identity = uuid.uuid5(_LEGACY, name_of(vm)) if known else uuid.uuid5(_OWN, uid_of(vm))
    serial = "" if known else str(uuid.uuid5(_OWN, f"{uid_of(vm)}/serial"))
    filled = virtcrds.default_vm(
        parsed, config, firmware_uuid=str(identity), firmware_serial=serial
    )
    vm["spec"] = filled.to_json()["spec"]
    firmware = vm["spec"]["template"]["spec"]["domain"]["firmware"]
    if firmware.get("serial") == "":
        del firmware["serial"]


def check(vm: Json, config: ClusterConfig) -> None:
    """Raises InvalidObject with everything that keeps the VM from being started."""
    parsed = _parsed(vm)
    for field in ("instancetype", "preference"):
        if getattr(parsed.spec, field) is not None:
            message = f"spec.{field} is not available yet: write CPU, memory and devices out"
            raise InvalidObject((Violation(field=f"spec.{field}", message=message),))
    if violations := virtcrds.validate(parsed, config):
        raise InvalidObject(tuple(violations))


def _parsed(vm: Json) -> VirtualMachine:
    parsed = virtcrds.parse(vm).object
    assert isinstance(parsed, VirtualMachine)
    return parsed
