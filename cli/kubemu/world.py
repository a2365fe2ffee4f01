"""What of this machine and this call every command may need: folders, environment, who we are."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from .folders import Folders, check_ours, find_folders

_MACHINE_ID = Path("/etc/machine-id")


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    env: Mapping[str, str]
    uid: int
    folders: Folders

    def now(self) -> str:
        """RFC 3339, UTC."""
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def machine_id(self) -> str:
        """Makes what is derived from a VM's name different on different machines."""
        try:
            return _MACHINE_ID.read_text().strip()
        except OSError:
            return os.uname().nodename


def observe_world() -> World:
    """Raises BadInput when somebody else has prepared our folder of sockets."""
    env, uid = dict(os.environ), os.getuid()
    folders = find_folders(env, uid)
    check_ours(folders.runtime, uid)
    return World(env=env, uid=uid, folders=folders)
