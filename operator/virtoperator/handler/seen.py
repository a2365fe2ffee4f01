"""What is seen of one VMI's launcher: values, read out of its messages under limits.

A launcher is as trustworthy as the guest in it may have made it: texts are cut, lists are short,
and what has a wrong type is not there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from .guest import Guest

Json = dict[str, Any]
TEXT_LIMIT = 1024
"""Characters of a sentence that a launcher says."""
ITEMS_LIMIT = 256
"""Disks, and interfaces."""
ABI_LIMIT = 32 * 1024
"""Characters of a GuestABI as JSON."""


class Name(StrEnum):
    """STATE's name (virtlauncher.wire), and one for what a newer launcher may say."""

    CREATED = "created"
    BUILDING = "building"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    ENDED = "ended"
    UNKNOWN = ""

    @property
    def has_run(self) -> bool:
        """The guest's CPUs have been let go, or may be."""
        return self in {Name.RUNNING, Name.PAUSED, Name.STOPPING}

    @classmethod
    def _missing_(cls, value: object) -> Name:
        return cls.UNKNOWN


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ending:
    """How a machine ended. `kind` is one of ENDING (virtlauncher.wire)."""

    kind: str
    message: str = ""
    last_line: str = ""
    signal: int = 0

    @property
    def sentence(self) -> str:
        """What happened, with QEMU's last words where they may explain it."""
        if self.last_line and self.kind != "guest-shutdown":
            return f"{self.message} QEMU's last line: {self.last_line}"
        return self.message


@dataclasses.dataclass(frozen=True, kw_only=True)
class Machine:
    """STATE of the wire protocol."""

    name: Name
    reason: str = ""
    agent: bool = False
    ending: Ending | None = None

    @classmethod
    def read(cls, tree: Mapping[str, Any]) -> Machine:
        ending = tree.get("ending")
        return cls(
            name=Name(tree.get("name", "")),
            reason=text(tree.get("reason")),
            agent=tree.get("agent") is True,
            ending=_ending(ending) if isinstance(ending, Mapping) else None,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Disk:
    """One disk as the guest sees it."""

    volume: str
    target: str
    size: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Nic:
    """One interface as the guest sees it."""

    name: str
    mac: str
    queues: int = 1
    link: str = "up"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Device:
    """What QEMU became: the launcher's description of a started machine."""

    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    abi: Json = dataclasses.field(default_factory=dict)
    """GuestABI; empty before the start."""

    @classmethod
    def read(cls, tree: Mapping[str, Any]) -> Device:
        abi = tree.get("abi")
        return cls(
            disks=tuple(
                Disk(
                    volume=text(d.get("volume")), target=text(d.get("target")), size=_int(d, "size")
                )
                for d in _items(tree, "disks")
            ),
            nics=tuple(
                Nic(
                    name=text(n.get("name")),
                    mac=text(n.get("mac")),
                    queues=_int(n, "queues") or 1,
                    link=text(n.get("link")) or "up",
                )
                for n in _items(tree, "nics")
            ),
            abi=dict(abi) if isinstance(abi, Mapping) else {},
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class IoError:
    """The last I/O error that QEMU reported."""

    volume: str
    nospace: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why the machine does not start. `final`: another try cannot help."""

    reason: str
    message: str
    final: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class PodEnd:
    """How the launcher's container ended, as the kubelet tells it."""

    code: int
    reason: str = ""
    """E.g. OOMKilled, Error, Completed."""
    message: str = ""
    """The launcher's last words."""


class Reach(StrEnum):
    CONNECTING = "connecting"
    """Nobody answers: not yet, or not now."""
    CONNECTED = "connected"
    GONE = "gone"
    """Its process has ended."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Seen:
    """Everything that is known of a launcher beside the API. Times are monotonic seconds."""

    reach: Reach = Reach.CONNECTING
    since: float
    """When `reach` began."""
    obstacle: str = ""
    """CONNECTING: why nobody was reached, the last time."""
    machine: Machine = Machine(name=Name.UNKNOWN)
    device: Device = Device()
    addresses: tuple[str, ...] = ()
    """The pod's own addresses, IPv4 or IPv6 first as the pod has them."""
    starting: bool = False
    trouble: Trouble | None = None
    tries: int = 0
    """Starts that failed."""
    retry_at: float = 0.0
    guest: Guest | None = None
    io_error: IoError | None = None
    resumes: int = 0
    """Resumes after an I/O error since the last time all was well."""
    paused_at: float = 0.0
    oom_killed: bool = False
    pod_end: PodEnd | None = None
    pod_asked_at: float = 0.0
    written_at: float = 0.0
    """When the status was last written."""


def text(value: Any, limit: int = TEXT_LIMIT) -> str:
    """A printable text of at most `limit` characters; '' for anything else."""
    if not isinstance(value, str):
        return ""
    cut = value if len(value) <= limit else value[: limit - 1] + "…"
    return "".join(one if one.isprintable() else " " for one in cut)


def _ending(tree: Mapping[str, Any]) -> Ending:
    return Ending(
        kind=text(tree.get("kind")),
        message=text(tree.get("message")),
        last_line=text(tree.get("last_line")),
        signal=_int(tree, "signal"),
    )


def _items(tree: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    items = tree.get(key)
    if not isinstance(items, list):
        return []
    return [item for item in items[:ITEMS_LIMIT] if isinstance(item, Mapping)]


def _int(tree: Mapping[str, Any], key: str) -> int:
    value = tree.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
