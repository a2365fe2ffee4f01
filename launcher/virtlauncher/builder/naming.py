"""Ids of devices and block nodes, made from the user's names of disks, volumes and interfaces.

A prefix says the role; what QEMU would not take as an id (ids have an alphabet, node names 31
characters) is replaced by a digest, so that a name is always the same name.
"""

from __future__ import annotations

import hashlib
import re

NODE_LIMIT = 31
"""Characters of a block node's name (QEMU's BlockDriverState.node_name less its NUL)."""
ID_LIMIT = 80
_DIGEST = 20

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


def device_id(role: str, name: str) -> str:
    """E.g. ('nic', 'default') → 'nic-default'."""
    return _joined(role, name, ID_LIMIT)


def node_name(role: str, volume: str) -> str:
    """E.g. ('file', 'root') → 'file-root'."""
    return _joined(role, volume, NODE_LIMIT)


def _joined(role: str, name: str, limit: int) -> str:
    plain = f"{role}-{name}"
    if _SAFE.fullmatch(name) and len(plain) <= limit:
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    # A name never begins with a dash, so that no name looks like another name's digest.
    return f"{role}--{digest[:_DIGEST]}"
