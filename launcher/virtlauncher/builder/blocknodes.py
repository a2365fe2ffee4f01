"""The block nodes of one disk: files by descriptor, formats always stated, backing explicit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .descriptors import FdTable
from .naming import device_id, node_name
from .options import Group, Json, Option
from .prepared import Layer, PreparedDisk


def block_nodes(
    disk: PreparedDisk, fds: FdTable, *, readonly: bool, limits: Mapping[str, int] | None
) -> list[Option]:
    """The nodes from the lowest layer up, with a throttle on top when there are `limits`."""
    options: list[Option] = []
    for index, layer in reversed(list(enumerate(disk.layers))):
        common = _common(disk, readonly=readonly or index > 0)
        options += [
            _json(_file(disk, index, layer, fds) | common, _FILE),
            _json(_format(disk, index, layer) | common, _OVERLAY if index == 0 else _BASE),
        ]
    if limits is not None:
        options += _throttle(disk, limits, _common(disk, readonly=readonly))
    return options


def top_node(volume: str, *, limited: bool) -> str:
    """The node that the disk's device uses."""
    return node_name("limit", volume) if limited else _format_node(volume, 0)


def throttle_group(volume: str) -> str:
    """Id of the object whose `limits` can be set while the guest runs."""
    return device_id("limits", volume)


_FILE = "The file behind a disk, by its descriptor"
_OVERLAY = "The disk's content; its format is stated, never guessed from what a guest wrote"
_BASE = "What an overlay is based on: read only"


def _file(disk: PreparedDisk, index: int, layer: Layer, fds: FdTable) -> dict[str, Any]:
    return {
        "driver": "host_device" if layer.block else "file",
        "node-name": _file_node(disk.volume, index),
        "filename": fds.path(layer.readonly_fd),
        "aio": disk.aio,
    }


def _format(disk: PreparedDisk, index: int, layer: Layer) -> dict[str, Any]:
    tree: dict[str, Any] = {
        "driver": layer.format,
        "node-name": _format_node(disk.volume, index),
        "file": _file_node(disk.volume, index),
    }
    if layer.format != "raw":
        # Without a word about it QEMU would open whatever the image names.
        below = index + 1 < len(disk.layers)
        tree["backing"] = _format_node(disk.volume, index + 1) if below else None
    return tree


def _common(disk: PreparedDisk, *, readonly: bool) -> dict[str, Any]:
    unmap = not (readonly or disk.iso or disk.preallocated)
    return {
        "read-only": readonly,
        "cache": {"direct": disk.direct, "no-flush": False},
        **({"discard": "unmap"} if unmap else {}),
    }


def _throttle(
    disk: PreparedDisk, limits: Mapping[str, int], common: dict[str, Any]
) -> list[Option]:
    group = throttle_group(disk.volume)
    node: dict[str, Any] = {
        "driver": "throttle",
        "node-name": top_node(disk.volume, limited=True),
        "throttle-group": group,
        "file": _format_node(disk.volume, 0),
    }
    limited = {"qom-type": "throttle-group", "id": group, "limits": dict(limits)}
    return [
        Json("-object", limited, Group.DISKS, "Limits of a disk, changeable while it runs"),
        _json(node | common, "Every request passes these limits"),
    ]


def _json(tree: Mapping[str, Any], why: str) -> Option:
    return Json("-blockdev", tree, Group.DISKS, why)


def _file_node(volume: str, index: int) -> str:
    return node_name(f"file{index or ''}", volume)


def _format_node(volume: str, index: int) -> str:
    return node_name(f"base{index}" if index else "disk", volume)
