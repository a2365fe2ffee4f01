"""Limits on a disk's operations and bytes per second: our own annotation.

`kubemu.io/disk-limits: {"root": {"iopsTotal": 500, "bpsTotal": "20Mi"}}` — by the disk's name,
QEMU's ThrottleLimits in camelCase, as integers or quantities. 0 means no limit; a disk that is
named here can have its limits changed while the guest runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from virtcrds import Quantity

from ..errors import Refused
from .given import Given

ANNOTATION = "kubemu.io/disk-limits"
FIELD = f"metadata.annotations[{ANNOTATION}]"

_LIMIT = 10**15
"""QEMU's THROTTLE_VALUE_MAX."""


def disk_limits(given: Given) -> Mapping[str, Mapping[str, int]]:
    """QEMU's limits by the disk's name. Raises Refused, naming what it does not understand."""
    text = given.annotations.get(ANNOTATION)
    if text is None:
        return {}
    tree = _object(_parsed(text), "the annotation")
    known = {disk.name for disk in given.devices.disks}
    for name in tree:
        if name not in known:
            raise Refused(f"there is no disk '{name}'", field=FIELD)
    return {name: dict(_limits(name, _object(value, name))) for name, value in tree.items()}


def _limits(disk: str, tree: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for key, value in tree.items():
        if key not in _KEYS:
            raise Refused(f"{disk}: '{key}' is no limit; there are {', '.join(_KEYS)}", field=FIELD)
        yield _KEYS[key], _amount(disk, key, value)


def _amount(disk: str, key: str, value: Any) -> int:
    if isinstance(value, int | str) and not isinstance(value, bool):
        try:
            amount = Quantity(value).value
        except ValueError:
            amount = -1
        if 0 <= amount <= _LIMIT:
            return amount
    raise Refused(f"{disk}.{key}: {value!r} is no amount from 0 to 10^15", field=FIELD)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(f"not JSON: {error}", field=FIELD) from error


def _object(tree: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(tree, dict):
        raise Refused(f"{what} must be a JSON object", field=FIELD)
    return tree


def _key(name: str) -> str:
    first, *others = name.split("-")
    return first + "".join(word.capitalize() for word in others)


_KEYS = {
    _key(name): name
    for name in (
        *(
            f"{unit}-{kind}{suffix}"
            for unit in ("iops", "bps")
            for kind in ("total", "read", "write")
            for suffix in ("", "-max", "-max-length")
        ),
        "iops-size",
    )
}
