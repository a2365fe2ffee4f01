"""One VM of a pool: its name, its number, and the template as it gets it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from ...kinds import VM
from ..trees import at, copied, labels_of, meta, name_of, owner_reference

REVISION_LABEL = "kubevirt.io/vm-pool-revision-name"
Json = dict[str, Any]


def revision(pool: Json) -> str:
    """Names the pool's template as it is: the same for the same content."""
    text = json.dumps(at(pool, "spec", "virtualMachineTemplate"), sort_keys=True)
    return f"{name_of(pool)[:50]}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def is_current(pool: Json, vm: Json) -> bool:
    """Whether the VM was made from, or brought to, the present template."""
    return labels_of(vm).get(REVISION_LABEL) == revision(pool)


def number_of(pool: Json, vm: Json) -> int:
    """The number in the VM's name; -1 where it has none."""
    text = name_of(vm).removeprefix(f"{name_of(pool)}-")
    return int(text) if text.isascii() and text.isdecimal() else -1


def free_numbers(pool: Json, vms: Iterable[Json]) -> Iterator[int]:
    """Numbers that no VM of the pool has, the lowest first; one that is going has its own."""
    taken = {number_of(pool, vm) for vm in vms}
    number = 0
    while True:
        if number not in taken:
            yield number
        number += 1


def member(pool: Json, number: int) -> Json:
    """The VM of this number."""
    template = pool["spec"]["virtualMachineTemplate"]
    own = at(template, "metadata") or {}
    return {
        "apiVersion": VM.api_version,
        "kind": VM.kind,
        "metadata": {
            "name": f"{name_of(pool)}-{number}",
            "namespace": meta(pool)["namespace"],
            "labels": {**(own.get("labels") or {}), REVISION_LABEL: revision(pool)},
            "annotations": dict(own.get("annotations") or {}),
            "ownerReferences": [owner_reference(pool)],
        },
        "spec": spec_of(pool, number),
    }


def spec_of(pool: Json, number: int) -> Json:
    """The template's spec with the VM's number where names must not be shared."""
    spec = copied(pool["spec"]["virtualMachineTemplate"]["spec"])
    rule = at(pool, "spec", "nameGeneration") or {}
    numbered = {
        "dataVolume": _number_data_volumes(spec, number),
        "configMap": rule.get("appendIndexToConfigMapRefs"),
        "secret": rule.get("appendIndexToSecretRefs"),
    }
    for volume in at(spec, "template", "spec", "volumes") or ():
        _number_volume(volume, number, numbered)
    return spec


def updated_spec(pool: Json, vm: Json) -> Json:
    """The spec of a VM that exists, after a change of the template: its identity stays."""
    spec = spec_of(pool, number_of(pool, vm))
    inner = at(spec, "template", "spec")
    before = at(vm, "spec", "template", "spec") or {}
    if isinstance(inner, dict):
        if "architecture" in before:
            inner.setdefault("architecture", before["architecture"])
        domain = inner.setdefault("domain", {})
        for field in ("machine", "firmware"):
            known = at(before, "domain", field)
            if isinstance(known, dict):
                domain[field] = {**known, **(domain.get(field) or {})}
    return spec


def _number_data_volumes(spec: Json, number: int) -> frozenset[str]:
    """The DataVolumes that each VM makes for itself; their old names."""
    names = set()
    for template in spec.get("dataVolumeTemplates") or ():
        own = template["metadata"]
        names.add(own["name"])
        own["name"] = f"{own['name']}-{number}"
    return frozenset(names)


def _number_volume(volume: Json, number: int, numbered: Json) -> None:
    made = numbered["dataVolume"]
    for kind, field in (("dataVolume", "name"), ("persistentVolumeClaim", "claimName")):
        source = volume.get(kind)
        if source and source[field] in made:
            source[field] = f"{source[field]}-{number}"
    if numbered["configMap"] and (source := volume.get("configMap")):
        source["name"] = f"{source['name']}-{number}"
    if numbered["secret"]:
        _number_secrets(volume, number)


def _number_secrets(volume: Json, number: int) -> None:
    if source := volume.get("secret"):
        source["secretName"] = f"{source['secretName']}-{number}"
    for kind in ("cloudInitNoCloud", "cloudInitConfigDrive"):
        for field in ("secretRef", "networkDataSecretRef"):
            if reference := at(volume, kind, field):
                reference["name"] = f"{reference['name']}-{number}"
