"""A VMI as it is to be run: defaulted, valid, with addresses that stay. Pure."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import virtcrds
from virtcrds import InvalidObject, VirtualMachineInstance

from ... import conditions, names
from ..draft import Draft
from ..trees import uid_of

_FIRMWARE = uuid.UUID("0b0e2d4c-2a62-4a4e-9c0a-5d0c6f0f3a51")
"""Namespace of the UUIDs of guests that bring none: the same VMI has the same, however often."""
_OBSERVED = {names.LATEST_API_VERSION: "v1", names.STORAGE_API_VERSION: "v1"}
Json = dict[str, Any]


def prepare(draft: Draft, config: virtcrds.ClusterConfig) -> None:
    """Fill in what is left open. Raises InvalidObject with everything that is wrong.

    A webhook may have done it before; then nothing changes.
    """
    parsed = virtcrds.parse(draft.tree).object
    assert isinstance(parsed, VirtualMachineInstance)
    if violations := virtcrds.validate(parsed, config):
        raise InvalidObject(tuple(violations))
    uid = uid_of(draft.tree)
    filled = virtcrds.default(
        parsed,
        config,
        firmware_uuid=str(uuid.uuid5(_FIRMWARE, uid)),
        now=conditions.timestamp(draft.now),
    )
    draft.tree.update(filled.to_json())
    draft.metadata["annotations"] = {**(draft.metadata.get("annotations") or {}), **_OBSERVED}
    with_addresses(draft.tree["spec"], uid)


def with_addresses(spec: Json, seed: str) -> None:
    """Give every interface a MAC address that depends on `seed` and its name alone.

    `seed`: the UID of what outlives restarts. In place; addresses that were wished for stay.
    """
    for interface in spec["domain"].get("devices", {}).get("interfaces") or ():
        if not interface.get("macAddress") and "sriov" not in interface:
            interface["macAddress"] = mac_address(seed, interface["name"])


def mac_address(seed: str, interface: str) -> str:
    """A locally administered unicast address."""
    digest = hashlib.sha256(f"{seed}/{interface}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))
