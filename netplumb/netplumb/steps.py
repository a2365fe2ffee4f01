"""The steps by which interfaces are connected: each can be undone.

A crash between any two leaves nothing that the steps of the next plan do not replace.
"""

from __future__ import annotations

import dataclasses

from .connected import Lease
from .ruleset import Table
from .wanted import Wanted


@dataclasses.dataclass(frozen=True, kw_only=True)
class OpenTap:
    """Make the tap and open a descriptor per queue. Its last descriptor's end is its own."""

    tap: str
    queues: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class MakeBridge:
    """Make a bridge without ports. It replaces one that is there, which lets its ports go."""

    bridge: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Configure:
    """Give a tap or a bridge what it needs and bring it up."""

    link: str
    mtu: int
    mac: str = ""
    """Empty: the one it has."""
    addresses: tuple[str, ...] = ()
    """With prefixes."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SetMac:
    """Give the pod's device another hardware address."""

    link: str
    mac: str
    before: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Enslave:
    """Make an interface a port of a bridge, which sends to it whatever it gets."""

    link: str
    bridge: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Remember:
    """Write down what the namespace's settings were; empty: forget it (settings.py)."""

    text: str
    before: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Write:
    """Change a setting. `before` is None for one that ends with the tap."""

    setting: str
    value: str
    before: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoadRules:
    """Put these tables in the place of ours, in one transaction."""

    tables: tuple[Table, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class OpenSockets:
    """Open the sockets on which the guest asks for its addresses."""

    link: str
    ipv4: bool
    ipv6: bool


Step = (
    OpenTap | MakeBridge | Configure | SetMac | Enslave | Remember | Write | LoadRules | OpenSockets
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """How one interface is connected, and what its `Connected` will say."""

    wanted: Wanted
    mac: str
    """The guest's."""
    mtu: int
    pod_addresses: tuple[str, ...]
    lease: Lease
    ipv6_gateway: str
    steps: tuple[Step, ...]
