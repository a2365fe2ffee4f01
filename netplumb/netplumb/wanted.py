"""What a caller wants: interfaces of a guest, and the names the pod resolves by."""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
from enum import StrEnum
from typing import Self

PRIMARY_DEVICE = "eth0"
"""The pod network's interface, as container runtimes name it."""
QUEUES_LIMIT = 256
"""The kernel's (MAX_TAP_QUEUES)."""
_DIGITS = 11
"""Hex digits of a hash in an interface's name: with `tap` it stays below the kernel's 15 bytes."""


class Binding(StrEnum):
    """How the guest is tied to the pod's network."""

    MASQUERADE = "masquerade"
    """The guest has a network of its own behind the pod's addresses."""
    BRIDGE = "bridge"
    """The guest has the pod's IPv4 address and, unless it has one of its own, its MAC."""


class Protocol(StrEnum):
    TCP = "tcp"
    UDP = "udp"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Port:
    """One port of the guest that the pod's addresses lead to."""

    number: int
    protocol: Protocol = Protocol.TCP


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wanted:
    """One interface of a guest."""

    name: str
    pod_device: str = PRIMARY_DEVICE
    binding: Binding = Binding.MASQUERADE
    mac: str
    """The guest's hardware address; BRIDGE: empty for the pod's."""
    queues: int = 1
    ports: tuple[Port, ...] = ()
    """MASQUERADE: those that are led to the guest; none listed: all of them, and ICMP."""
    ipv4_cidr: str = "10.0.2.0/24"
    ipv6_cidr: str = "fd10:0:2::/120"
    """MASQUERADE: the guest's own networks. The first host is the gateway, the second the guest;
    a family that the pod lacks is left out."""
    hostname: str = ""
    mtu: int | None = None
    """Bytes; None: the pod device's."""

    def __post_init__(self) -> None:
        if not 1 <= self.queues <= QUEUES_LIMIT:
            raise ValueError(f"a tap has 1 to {QUEUES_LIMIT} queues, not {self.queues}")

    @property
    def tap(self) -> str:
        """The tap's name: tap0 on the pod network, else by a hash of `name`."""
        if self.pod_device == PRIMARY_DEVICE:
            return "tap0"
        return "tap" + hashlib.sha256(self.name.encode()).hexdigest()[:_DIGITS]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Resolver:
    """What the pod's resolv.conf says."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()

    @classmethod
    def from_resolv_conf(cls, text: str) -> Self:
        """Read resolv.conf(5) as the C library does: what it cannot use is passed over, and the
        last `search` or `domain` line counts."""
        nameservers: list[str] = []
        searches: tuple[str, ...] = ()
        for line in text.splitlines():
            match line.split():
                case ["nameserver", address, *_] if _is_address(address):
                    nameservers.append(address)
                case ["search" | "domain", *names]:
                    searches = tuple(names)
                case _:
                    pass
        return cls(nameservers=tuple(nameservers), searches=searches)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
