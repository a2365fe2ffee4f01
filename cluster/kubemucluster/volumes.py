"""Claims for devices: a provisioner that makes each volume a file behind a loop device.

A claim in block mode gets the device; one in file system mode gets an ext4 of exactly the size it
asked for, which can be filled to the brim. Claims that ask for more get it here, too, those of
folders included. Runs on the machine as a daemon of the cluster.
"""

from __future__ import annotations

import decimal
import logging
import math
import os
import re
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

from . import api, cluster, tools
from .errors import ClusterError
from .layout import Layout

PROVISIONER = "kubemu.io/loop"
_FOLDERS = "rancher.io/local-path"
_SELECTED = "volume.kubernetes.io/selected-node"
_WANTED_BY = "volume.kubernetes.io/storage-provisioner"
_MADE_BY = "pv.kubernetes.io/provisioned-by"
_QUANTITY = re.compile(r"([0-9]+\.?[0-9]*)(?:([kKMGTPE])(i?)|[eE]([0-9]+))?")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Make:
    """A claim whose pod was placed wants its volume."""

    namespace: str
    claim: str
    uid: str
    node: str
    storage_class: str
    mode: str
    access: tuple[str, ...]
    size: str

    @property
    def name(self) -> str:
        return f"loop-{self.uid}"


@dataclass(frozen=True, kw_only=True)
class Remove:
    """A volume whose claim is gone."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Grow:
    """A claim asks for more than its volume has."""

    name: str
    namespace: str
    claim: str
    size: str
    is_device: bool
    """Else it is a folder, which has no size to change."""
    has_file_system: bool
    """On the device. The kubelet grows it, for which it needs CAP_SYS_RESOURCE."""


def decide(claims: list[Any], volumes: list[Any]) -> list[Make | Grow | Remove]:
    """What to do about the API's objects; nothing when all is as it should be."""
    present = {volume["metadata"]["name"] for volume in volumes}
    by_uid = {claim["metadata"]["uid"]: claim for claim in claims}
    makes = [make for claim in claims if (make := _wanted(claim)) and make.name not in present]
    grows = [grow for volume in volumes if (grow := _larger(volume, by_uid))]
    removes = [
        Remove(name=volume["metadata"]["name"])
        for volume in volumes
        if _made_by(volume) == PROVISIONER
        and volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
        and volume.get("status", {}).get("phase") == "Released"
    ]
    return [*makes, *grows, *removes]


def _made_by(volume: Any) -> str:
    return str(volume["metadata"].get("annotations", {}).get(_MADE_BY, ""))


def _larger(volume: Any, claims: Mapping[str, Any]) -> Grow | None:
    claim = claims.get(volume["spec"].get("claimRef", {}).get("uid", ""))
    if claim is None or _made_by(volume) not in (PROVISIONER, _FOLDERS):
        return None
    size = claim["spec"]["resources"]["requests"]["storage"]
    if parse_size(size) <= parse_size(volume["spec"]["capacity"]["storage"]):
        return None
    is_device = _made_by(volume) == PROVISIONER
    return Grow(
        name=volume["metadata"]["name"],
        namespace=claim["metadata"]["namespace"],
        claim=claim["metadata"]["name"],
        size=size,
        is_device=is_device,
        has_file_system=is_device and volume["spec"]["volumeMode"] == "Filesystem",
    )


def _wanted(claim: Any) -> Make | None:
    meta, spec = claim["metadata"], claim["spec"]
    notes = meta.get("annotations", {})
    if notes.get(_WANTED_BY) != PROVISIONER or _SELECTED not in notes or spec.get("volumeName"):
        return None
    return Make(
        namespace=meta["namespace"],
        claim=meta["name"],
        uid=meta["uid"],
        node=notes[_SELECTED],
        storage_class=spec["storageClassName"],
        mode=spec.get("volumeMode", "Filesystem"),
        access=tuple(spec["accessModes"]),
        size=spec["resources"]["requests"]["storage"],
    )


def parse_size(size: str) -> int:
    """Bytes of a Kubernetes quantity, rounded up; ValueError when it is none."""
    match = _QUANTITY.fullmatch(size)
    if match is None:
        raise ValueError(f"{size!r} is no quantity")
    number, prefix, binary, exponent = match.groups()
    factor: int = (1024 if binary else 1000) ** (" KMGTPE".index(prefix.upper()) if prefix else 0)
    return math.ceil(decimal.Decimal(f"{number}e{exponent or 0}") * factor)


def volume_of(make: Make, device: str) -> dict[str, Any]:
    """The PersistentVolume for a claim, bound to it, on the node of its pod."""
    hostname = {"key": "kubernetes.io/hostname", "operator": "In", "values": [make.node]}
    filesystem = {"fsType": "ext4"} if make.mode == "Filesystem" else {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": make.name, "annotations": {_MADE_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": make.size},
            "accessModes": list(make.access),
            "volumeMode": make.mode,
            "storageClassName": make.storage_class,
            "persistentVolumeReclaimPolicy": "Delete",
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": make.namespace,
                "name": make.claim,
                "uid": make.uid,
            },
            "local": {"path": device, **filesystem},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [hostname]}]}},
        },
    }


def perform(layout: Layout, action: Make | Grow | Remove) -> None:
    """Makes, enlarges or removes one volume; doing it twice is doing it once."""
    image = layout.state / "volumes" / f"{action.name}.img"
    match action:
        case Make():
            image.parent.mkdir(exist_ok=True)
            _resize(image, action.size)
            body = volume_of(action, _device(image) or _attached(image))
            api.call(layout, "POST", "/api/v1/persistentvolumes", body)
        case Grow():
            if action.is_device:
                _resize(image, action.size)
                tools.run(["losetup", "-c", _device(image)])
            path = f"/api/v1/namespaces/{action.namespace}/persistentvolumeclaims/{action.claim}"
            api.call(layout, "PATCH", f"{path}/status", {"status": grown(action)})
            # Last, because it is what tells that nothing is left to do.
            capacity = {"spec": {"capacity": {"storage": action.size}}}
            api.call(layout, "PATCH", f"/api/v1/persistentvolumes/{action.name}", capacity)
        case Remove():
            if device := _device(image):
                tools.run(["losetup", "-d", device])
            image.unlink(missing_ok=True)
            api.call(layout, "DELETE", f"/api/v1/persistentvolumes/{action.name}")
        case _:
            assert_never(action)


def grown(grow: Grow) -> dict[str, Any]:
    """The claim's status: it has what it asked for, or waits for its file system to be grown."""
    if grow.has_file_system:
        return {"conditions": [{"type": "FileSystemResizePending", "status": "True"}]}
    return {"capacity": {"storage": grow.size}}


def _resize(image: Path, size: str) -> None:
    with image.open("ab") as handle:
        os.truncate(handle.fileno(), parse_size(size))


def _device(image: Path) -> str:
    return tools.output(["losetup", "-n", "-O", "NAME", "-j", image]).strip()


def _attached(image: Path) -> str:
    return tools.output(["losetup", "-f", "--show", image])


def serve(layout: Layout) -> None:
    """Reconciles for ever, whenever a claim or a volume changes."""
    changed = threading.Event()
    paths = ("/api/v1/persistentvolumeclaims", "/api/v1/persistentvolumes")
    for path in paths:
        threading.Thread(target=_watch, args=(layout, path, changed), daemon=True).start()
    while True:
        changed.wait()
        changed.clear()
        if not _reconciled(layout, *paths):
            time.sleep(1)
            changed.set()


def _reconciled(layout: Layout, *paths: str) -> bool:
    """Does what is to be done; False when something of it failed, which stops nothing else."""
    try:
        actions = decide(*(api.get(layout, path)["items"] for path in paths))
    except OSError as error:
        _log.warning("%s; again in a second", error)
        return False
    failed = False
    for action in actions:
        _log.info("%s", action)
        try:
            perform(layout, action)
        except (ClusterError, OSError) as error:
            _log.warning("%s; again in a second", error)
            failed = True
    return not failed


def _watch(layout: Layout, path: str, changed: threading.Event) -> None:
    """Reports every change below a path; an API server that is away is asked again."""
    while True:
        try:
            for _ in api.lines(layout, f"{path}?watch=1&timeoutSeconds=300"):
                changed.set()
        except OSError as error:
            _log.info("watch of %s: %s", path, error)
            time.sleep(1)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    serve(cluster.required(sys.argv[1]).layout)
