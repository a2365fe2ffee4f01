"""Claims for devices: a provisioner that makes each volume a file behind a loop device.

A claim in block mode gets the device; one in file system mode gets an ext4 of exactly the size it
asked for, which can be filled to the brim. Runs on the machine as a daemon of the cluster.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import api, cluster, tools
from .errors import ClusterError
from .layout import Layout

PROVISIONER = "kubemu.io/loop"
_SELECTED = "volume.kubernetes.io/selected-node"
_WANTED_BY = "volume.kubernetes.io/storage-provisioner"
_MADE_BY = "pv.kubernetes.io/provisioned-by"
_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 10**3, "M": 10**6, "G": 10**9, "": 1}
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


def decide(claims: list[Any], volumes: list[Any]) -> list[Make | Remove]:
    """What to do about the API's objects; nothing when all is as it should be."""
    present = {volume["metadata"]["name"] for volume in volumes}
    makes = [make for claim in claims if (make := _wanted(claim)) and make.name not in present]
    removes = [
        Remove(name=volume["metadata"]["name"])
        for volume in volumes
        if volume["metadata"].get("annotations", {}).get(_MADE_BY) == PROVISIONER
        and volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
        and volume.get("status", {}).get("phase") == "Released"
    ]
    return [*makes, *removes]


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
    """Bytes of a quantity as claims use them; ValueError for other forms."""
    number = size.rstrip("KMGik")
    return int(number) * _UNITS[size.removeprefix(number)]


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


def perform(layout: Layout, action: Make | Remove) -> None:
    """Makes or removes one volume; doing it twice is doing it once."""
    folder = layout.state / "volumes"
    image = folder / f"{action.name}.img"
    if isinstance(action, Make):
        folder.mkdir(exist_ok=True)
        with image.open("ab") as handle:
            os.truncate(handle.fileno(), parse_size(action.size))
        body = volume_of(action, _device(image) or _attached(image))
        api.call(layout, "POST", "/api/v1/persistentvolumes", body)
        return
    device = _device(image)
    if device:
        tools.run(["losetup", "-d", device])
    image.unlink(missing_ok=True)
    api.call(layout, "DELETE", f"/api/v1/persistentvolumes/{action.name}")


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
        try:
            for action in decide(*(api.get(layout, path)["items"] for path in paths)):
                _log.info("%s", action)
                perform(layout, action)
        except (ClusterError, OSError, ValueError) as error:
            _log.warning("%s; again in a second", error)
            time.sleep(1)
            changed.set()


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
