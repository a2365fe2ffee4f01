"""What the guest's agent says of the guest, read under limits: the guest writes it.

Sources: the QEMU guest agent's guest-get-osinfo, guest-network-get-interfaces, guest-get-fsinfo.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

OS_INFO, INTERFACES, FILESYSTEMS = (
    "guest-get-osinfo",
    "guest-network-get-interfaces",
    "guest-get-fsinfo",
)
TEXT_LIMIT = 256
NICS_LIMIT = 64
ADDRESSES_LIMIT = 32
FILESYSTEMS_LIMIT = 64
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_OS_FIELDS = {
    "name": "name",
    "kernel-release": "kernelRelease",
    "version": "version",
    "pretty-name": "prettyName",
    "version-id": "versionId",
    "kernel-version": "kernelVersion",
    "machine": "machine",
    "id": "id",
}
"""guest-get-osinfo's names, and those of the VMI's guestOSInfo."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GuestNic:
    """An interface as the guest's system knows it."""

    name: str
    mac: str
    addresses: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Filesystem:
    name: str
    mount_point: str
    kind: str
    used: int | None
    total: int | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Guest:
    os: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The VMI's guestOSInfo."""
    nics: tuple[GuestNic, ...] = ()
    filesystems: tuple[Filesystem, ...] = ()


def read_os(answer: Any) -> dict[str, str]:
    """The VMI's guestOSInfo out of guest-get-osinfo's answer."""
    if not isinstance(answer, Mapping):
        return {}
    found = {ours: _text(answer.get(theirs)) for theirs, ours in _OS_FIELDS.items()}
    return {key: value for key, value in found.items() if value}


def read_nics(answer: Any) -> tuple[GuestNic, ...]:
    """Interfaces but the loopback one, out of guest-network-get-interfaces' answer."""
    return tuple(
        GuestNic(name=name, mac=mac, addresses=tuple(_addresses(item)))
        for item in _mappings(answer, NICS_LIMIT)
        if (name := _text(item.get("name"))) and name != "lo"
        if (mac := _text(item.get("hardware-address")).lower()) == "" or _MAC.fullmatch(mac)
    )


def read_filesystems(answer: Any) -> tuple[Filesystem, ...]:
    """Mounted file systems, out of guest-get-fsinfo's answer."""
    return tuple(
        Filesystem(
            name=_text(item.get("name")),
            mount_point=_text(item.get("mountpoint")),
            kind=_text(item.get("type")),
            used=_count(item.get("used-bytes")),
            total=_count(item.get("total-bytes")),
        )
        for item in _mappings(answer, FILESYSTEMS_LIMIT)
    )


def _addresses(item: Mapping[str, Any]) -> Iterator[str]:
    for entry in _mappings(item.get("ip-addresses"), ADDRESSES_LIMIT):
        try:
            yield str(ipaddress.ip_address(_text(entry.get("ip-address"))))
        except ValueError:
            continue  # The guest may say anything.


def _mappings(value: Any, limit: int) -> list[Mapping[str, Any]]:
    items = value[:limit] if isinstance(value, list) else []
    return [item for item in items if isinstance(item, Mapping)]


def _text(value: Any) -> str:
    clean = "".join(c for c in value if c.isprintable()) if isinstance(value, str) else ""
    return clean[:TEXT_LIMIT]


def _count(value: Any) -> int | None:
    right = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if right else None
