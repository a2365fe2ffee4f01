"""The claims behind a VMI's volumes, as the controller has noted them in its status. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from virtcrds import Quantity

from ..podvolumes import Claim

Json = dict[str, Any]
_ALIGNMENT = 1 << 20
"""A disk.img is a multiple of 1 MiB, as in KubeVirt."""


def claims_of(vmi: Json) -> dict[str, Claim]:
    """By the claim's name."""
    infos = [
        one["persistentVolumeClaimInfo"]
        for one in vmi["status"].get("volumeStatus") or ()
        if one.get("persistentVolumeClaimInfo")
    ]
    return {
        info["claimName"]: Claim(
            name=info["claimName"],
            block=info.get("volumeMode") == "Block",
            size=_size(info),
        )
        for info in infos
    }


def _size(info: Json) -> int | None:
    """Bytes of the disk.img that fits: the smaller of wish and capacity, without what the file
    system needs for itself.
    """
    sizes = [
        Quantity(amounts["storage"]).value
        for key in ("requests", "capacity")
        if (amounts := info.get(key)) and "storage" in amounts
    ]
    if not sizes:
        return None
    overhead = Decimal(str(info.get("filesystemOverhead") or 0))
    room = int(min(sizes) * (1 - overhead))
    return room - room % _ALIGNMENT
