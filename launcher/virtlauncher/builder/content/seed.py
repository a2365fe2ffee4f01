"""Cloud-init's files: what NoCloud and ConfigDrive seeds hold. Pure but for reading secrets."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from virtcrds import VirtualMachineInstance

from .limits import Limits
from .place import Place

NO_CLOUD, CONFIG_DRIVE = "cidata", "config-2"
"""Labels by which cloud-init finds a seed."""


def no_cloud(
    vmi: VirtualMachineInstance, user: bytes, network: bytes | None, keys: Sequence[str], kind: str
) -> dict[str, bytes]:
    meta: dict[str, Any] = {"instance-id": _instance(vmi), "local-hostname": hostname(vmi)}
    if kind:
        meta["instance-type"] = kind
    if keys:
        meta["public-keys"] = {str(index): key for index, key in enumerate(keys)}
    files = {"meta-data": json.dumps(meta).encode(), "user-data": user}
    return files if network is None else {**files, "network-config": network}


def config_drive(
    vmi: VirtualMachineInstance, user: bytes, network: bytes | None, keys: Sequence[str], kind: str
) -> dict[str, bytes]:
    meta: dict[str, Any] = {
        "instance_id": f"{vmi.metadata.name}.{vmi.metadata.namespace}",
        "hostname": hostname(vmi),
        "uuid": _instance(vmi),
    }
    if kind:
        meta["instance_type"] = kind
    if keys:
        meta["public_keys"] = {str(index): key for index, key in enumerate(keys)}
    latest = "openstack/latest"
    files = {f"{latest}/meta_data.json": json.dumps(meta).encode(), f"{latest}/user_data": user}
    return files if network is None else {**files, f"{latest}/network_data.json": network}


def hostname(vmi: VirtualMachineInstance) -> str:
    """What the guest is called: the first label, 63 characters at most."""
    return (vmi.spec.hostname or vmi.metadata.name or "vm").partition(".")[0][:63]


def inline(text: str, encoded: str, place: Place, limits: Limits) -> bytes | None:
    """Clear text or base64; None when neither is given."""
    data: bytes | None = text.encode() if text else None
    if encoded:
        try:
            data = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise place.bad("is not valid base64") from error
    return None if data is None else checked(data, place, limits)


def from_secret(
    files: Mapping[str, bytes], names: Sequence[str], place: Place, limits: Limits
) -> bytes:
    for name in names:
        if name in files:
            return checked(files[name], place, limits)
    raise place.bad(f"the secret has no key {' or '.join(names)}")


def keys_of(files: Mapping[str, bytes], place: Place) -> list[str]:
    """Public keys, one a line, out of every file of an access credential's secret."""
    keys = []
    for data in files.values():
        try:
            lines = data.decode().splitlines()
        except UnicodeDecodeError as error:
            raise place.bad("a public key is not text") from error
        keys += [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return keys


def checked(data: bytes, place: Place, limits: Limits) -> bytes:
    if len(data) > limits.seed_bytes:
        raise place.bad(f"has {len(data)} bytes; more than {limits.seed_bytes} are not taken")
    return data


def _instance(vmi: VirtualMachineInstance) -> str:
    firmware = vmi.spec.domain.firmware
    return (firmware.uuid if firmware else "") or f"{vmi.metadata.namespace}.{vmi.metadata.name}"
