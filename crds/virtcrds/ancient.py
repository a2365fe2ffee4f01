"""The API's first spellings, v1alpha1 and v1alpha2, written as v1.

In v1alpha1 a VirtualMachine was what a VirtualMachineInstance is today: the domain at the top of
its spec, run once. A disk named its volume, and a containerDisk was called registryDisk.
"""

from __future__ import annotations

import dataclasses
from typing import Any

VERSIONS = frozenset({"v1alpha1", "v1alpha2"})
_KINDS = {
    "OfflineVirtualMachine": "VirtualMachine",
    "VirtualMachinePreset": "VirtualMachineInstancePreset",
    "VirtualMachineReplicaSet": "VirtualMachineInstanceReplicaSet",
}
_TEMPLATE = "spec.template.spec"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rewritten:
    """A document in today's spelling, and what was changed."""

    tree: dict[str, Any]
    notes: tuple[str, ...]
    moved: bool = False
    """The spec became a template: paths below `spec.template.spec` were below `spec`."""

    def original(self, path: str) -> str:
        """Where the user wrote what is now at `path`."""
        inside = path == _TEMPLATE or path.startswith(f"{_TEMPLATE}.")
        return "spec" + path.removeprefix(_TEMPLATE) if self.moved and inside else path


def rewrite(tree: dict[str, Any]) -> Rewritten:
    """Tolerates any JSON: what has an odd shape is left for the models to complain about."""
    notes = []
    kind = tree.get("kind")
    tree = tree | {"apiVersion": "kubevirt.io/v1"}
    if kind in _KINDS:
        tree["kind"] = _KINDS[kind]
        notes.append(f"kind: {kind} is {tree['kind']} today")
    spec = tree.get("spec")
    if not isinstance(spec, dict):
        return Rewritten(tree=tree, notes=tuple(notes))
    if kind == "VirtualMachine" and "domain" in spec:
        template = {
            "metadata": _labels(tree.get("metadata")),
            "spec": _instance(spec, "spec", notes),
        }
        tree["spec"] = {"runStrategy": "Once", "template": template}
        notes.append("spec: a VirtualMachine of this version runs once (runStrategy: Once)")
        return Rewritten(tree=tree, notes=tuple(notes), moved=True)
    tree["spec"] = _any_spec(spec, notes)
    return Rewritten(tree=tree, notes=tuple(notes))


def _any_spec(spec: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """The spec of an instance, or one with a template of an instance in it."""
    template = spec.get("template")
    if isinstance(template, dict) and isinstance(template.get("spec"), dict):
        inner = _instance(template["spec"], _TEMPLATE, notes)
        return spec | {"template": template | {"spec": inner}}
    return _instance(spec, "spec", notes)


def _labels(metadata: object) -> dict[str, Any]:
    if not isinstance(metadata, dict):
        return {}
    return {name: metadata[name] for name in ("labels", "annotations") if name in metadata}


def _instance(spec: dict[str, Any], path: str, notes: list[str]) -> dict[str, Any]:
    result = dict(spec)
    if isinstance(spec.get("volumes"), list):
        result["volumes"] = [
            _volume(volume, f"{path}.volumes[{index}]", notes)
            for index, volume in enumerate(spec["volumes"])
        ]
    match spec:
        case {"domain": {"devices": {"disks": list(disks)} as devices} as domain}:
            renamed = [
                _disk(disk, f"{path}.domain.devices.disks[{index}]", notes)
                for index, disk in enumerate(disks)
            ]
            result["domain"] = domain | {"devices": devices | {"disks": renamed}}
        case _:
            pass
    return result


def _volume(volume: object, path: str, notes: list[str]) -> object:
    if not isinstance(volume, dict) or "registryDisk" not in volume:
        return volume
    notes.append(f"{path}.registryDisk is called containerDisk today")
    others = {name: value for name, value in volume.items() if name != "registryDisk"}
    return others | {"containerDisk": volume["registryDisk"]}


def _disk(disk: object, path: str, notes: list[str]) -> object:
    """A disk has its volume's name today, and no second name of its own."""
    if not isinstance(disk, dict) or "volumeName" not in disk:
        return disk
    notes.append(f"{path}.volumeName is the disk's name today")
    others = {name: value for name, value in disk.items() if name != "volumeName"}
    return others | {"name": disk["volumeName"]}
