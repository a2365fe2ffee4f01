"""What is in a namespace: the values that a plan is made from."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Mapping

from .connected import Route

Address = ipaddress.IPv4Interface | ipaddress.IPv6Interface


@dataclasses.dataclass(frozen=True, kw_only=True)
class Link:
    """One network interface."""

    name: str
    mac: str
    mtu: int
    addresses: tuple[Address, ...] = ()
    """With their prefixes; without those of the link itself (fe80::/10)."""
    routes: tuple[Route, ...] = ()
    """IPv4 routes out of it that the kernel did not make by itself from its addresses."""

    def of_version(self, version: int) -> tuple[Address, ...]:
        return tuple(address for address in self.addresses if address.version == version)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observed:
    """One namespace, as far as plumbing depends on it."""

    links: Mapping[str, Link]
    settings: Mapping[str, str]
    """Files below /proc/sys that are there -> their text."""
    originals: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Settings that an earlier connect wrote over -> what they were before (settings.py)."""
