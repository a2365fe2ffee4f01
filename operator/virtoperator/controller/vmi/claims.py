"""The claims behind a VMI's volumes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...podvolumes import Claim, claim_names
from ..trees import at

Json = dict[str, Any]


def missing_claims(vmi: Json, claims: Mapping[str, Json]) -> list[str]:
    """Names of claims that the VMI needs and nobody has made."""
    return [name for name in claim_names(vmi) if name not in claims]


def pod_claims(claims: Mapping[str, Json]) -> dict[str, Claim]:
    """As far as the pod depends on them."""
    return {
        name: Claim(name=name, block=at(claim, "spec", "volumeMode") == "Block")
        for name, claim in claims.items()
    }


def volume_status(vmi: Json, claims: Mapping[str, Json]) -> list[Json]:
    """`status.volumeStatus` as the controller knows it; what virt-handler added stays."""
    known = {one["name"]: one for one in at(vmi, "status", "volumeStatus") or ()}
    result = []
    for volume in at(vmi, "spec", "volumes") or ():
        name = volume["name"]
        status: Json = {"target": "", **known.get(name, {}), "name": name}
        behind = claim_names({"spec": {"volumes": [volume]}})
        if behind and (claim := claims.get(behind[0])):
            status["persistentVolumeClaimInfo"] = _info(behind[0], claim)
        result.append(status)
    return result


def _info(name: str, claim: Json) -> Json:
    info = {
        "claimName": name,
        "accessModes": at(claim, "spec", "accessModes"),
        "volumeMode": at(claim, "spec", "volumeMode"),
        "capacity": at(claim, "status", "capacity"),
        "requests": at(claim, "spec", "resources", "requests"),
    }
    return {key: value for key, value in info.items() if value}
