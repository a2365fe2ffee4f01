"""Seeds for cloud-init: which files a NoCloud or ConfigDrive disk holds. Values only, no I/O.

Names and keys are cloud-init's and OpenStack's, chosen as KubeVirt chooses them. Everything a user
wrote is a value of a JSON document or the whole of a file: no text can reach into another section.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from virtcrds.view import VirtualMachineInstance

from ...value import Value

NO_CLOUD, CONFIG_DRIVE = "cidata", "config-2"
"""Labels by which cloud-init finds a seed."""
_LABEL_LIMIT = 63
"""Characters of a DNS label."""
_LATEST = "openstack/latest"


class Seed(Value):
    """What goes into one seed."""

    user_data: bytes = dataclasses.field(repr=False)
    """May be empty: cloud-init expects the file all the same."""
    network_data: bytes | None = dataclasses.field(default=None, repr=False)
    keys: Sequence[str] = ()
    """SSH public keys."""
    instance_type: str = ""
    devices: Sequence[Mapping[str, Any]] = ()
    """ConfigDrive: the devices that have tags."""


def no_cloud(vmi: VirtualMachineInstance, seed: Seed) -> dict[str, bytes]:
    meta: dict[str, Any] = {
        "instance-id": _uuid(vmi) or _full_name(vmi),
        "local-hostname": hostname(vmi),
    }
    if seed.instance_type:
        meta["instance-type"] = seed.instance_type
    if seed.keys:
        meta["public-keys"] = _numbered(seed.keys)
    files = {"meta-data": _json(meta), "user-data": seed.user_data}
    if seed.network_data is not None:
        files["network-config"] = seed.network_data
    return files


def config_drive(vmi: VirtualMachineInstance, seed: Seed) -> dict[str, bytes]:
    meta: dict[str, Any] = {
        "instance_id": _full_name(vmi),
        "hostname": hostname(vmi),
        "uuid": _uuid(vmi),
    }
    if seed.instance_type:
        meta["instance_type"] = seed.instance_type
    if seed.devices:
        meta["devices"] = list(seed.devices)
    if seed.keys:
        meta["public_keys"] = _numbered(seed.keys)
    files = {f"{_LATEST}/meta_data.json": _json(meta), f"{_LATEST}/user_data": seed.user_data}
    if seed.network_data is not None:
        files[f"{_LATEST}/network_data.json"] = seed.network_data
    return files


def hostname(vmi: VirtualMachineInstance) -> str:
    """What the guest is called: its own wish, else the first label of the VMI's name."""
    return vmi.spec.hostname or vmi.metadata.name.partition(".")[0][:_LABEL_LIMIT]


def public_keys(text: str) -> list[str]:
    """The SSH keys of one file in authorized_keys' form: one a line, without comments."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _uuid(vmi: VirtualMachineInstance) -> str:
    firmware = vmi.spec.domain.firmware
    return firmware.uuid if firmware is not None else ""


def _full_name(vmi: VirtualMachineInstance) -> str:
    return f"{vmi.metadata.name}.{vmi.metadata.namespace or 'default'}"


def _numbered(keys: Sequence[str]) -> dict[str, str]:
    return {str(number): key for number, key in enumerate(keys)}


def _json(tree: Mapping[str, Any]) -> bytes:
    return json.dumps(tree).encode()
