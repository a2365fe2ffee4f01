"""What kubemu remembers of one VM: state.json in its folder. No secrets are in it."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from virtlauncher.facts import Forward
from virtlauncher.jsonable import from_jsonable, to_jsonable

from .names import VmName
from .processes import Identity

VERSION = 1
_FILE = "state.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ending:
    kind: str
    """The launcher's word for it (wire.ENDING), or 'lost' when nobody saw it."""
    message: str
    at: str = ""
    """RFC 3339."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    version: int = VERSION
    namespace: str
    name: str
    source: str
    """The manifest's file."""
    started: str
    """RFC 3339."""
    driver: Identity | None = None
    """The kubemu in whose terminal the VM runs; None once it was detached."""
    launcher: Identity | None = None
    ending: Ending | None = None
    """None: a launcher was started, and nobody noted its end yet."""
    memory: int = 0
    """Bytes the guest has at boot."""
    accel: str = ""
    grace: int = 30
    """terminationGracePeriodSeconds, effective."""
    forwards: tuple[Forward, ...] = ()
    images: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Volume to the image's configuration digest."""
    manifest: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """The VMI after defaulting, its secrets removed."""
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def vm(self) -> VmName:
        return VmName(namespace=self.namespace, name=self.name)


def find_record(folder: Path) -> Record | None:
    """The VM's record; None when there is none, or a power cut left no whole one."""
    try:
        tree = json.loads((folder / _FILE).read_text())
        return from_jsonable(Record, tree)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def has_record(folder: Path) -> bool:
    """Whether there is one at all, damaged or not."""
    return (folder / _FILE).exists()


def remove_record(folder: Path) -> None:
    (folder / _FILE).unlink(missing_ok=True)


def save_record(folder: Path, record: Record) -> Record:
    """Writes it whole or not at all; returns it."""
    temporary = folder / f".{_FILE}.{os.getpid()}"
    text = json.dumps(to_jsonable(record), indent=1)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / _FILE)
    return record
