"""Router advertisements (RFC 4861; name servers: RFC 8106): the guest's IPv6 default route. Pure.

Addresses come from DHCPv6 (the managed flag). The prefix is announced as on the link, but not for
addresses of the guest's own making: the pod's addresses lead to the leased one and to no other.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

from ...facts import Lease
from .encoding import address_and_prefix, addresses_of, hardware_address, names, network_of

LIFETIME = 9000
"""Seconds that the guest keeps the route: the most that RFC 4861 allows."""
_SOLICITATION, _ADVERTISEMENT = 133, 134
_HEAD = struct.Struct("!BBHBBHII")
"""type, code, checksum (the kernel's part), hop limit, flags, lifetime, reachable and retransmit
times (0: the guest's choice)."""
_HOPS = 64
_MANAGED_AND_OTHER = 0xC0
_ON_LINK = 0x80
_FOR_EVER = 0xFFFFFFFF
_SOURCE, _PREFIX, _MTU, _NAME_SERVERS, _SEARCHES = 1, 3, 5, 25, 31


def answer(packet: bytes, lease: Lease) -> bytes | None:
    """The advertisement for a solicitation; None for anything else."""
    if len(packet) < 8 or packet[:2] != bytes([_SOLICITATION, 0]) or not lease.ipv6:
        return None
    return advertisement(lease) if _whole(packet[8:]) else None


def advertisement(lease: Lease) -> bytes:
    """What a solicitation is answered with, and what is sent now and then unasked."""
    head = _HEAD.pack(_ADVERTISEMENT, 0, 0, _HOPS, _MANAGED_AND_OTHER, LIFETIME, 0, 0)
    return head + b"".join(_option(kind, data) for kind, data in _options(lease))


def _whole(options: bytes) -> bool:
    """No option is empty or cut off: RFC 4861, 6.1.1, wants the message dropped else."""
    at = 0
    while at < len(options):
        length = 8 * options[at + 1] if at + 1 < len(options) else 0
        if not length:
            return False
        at += length
    return at == len(options)


def _options(lease: Lease) -> Iterator[tuple[int, bytes]]:
    address, prefix = address_and_prefix(lease.ipv6)
    yield _SOURCE, hardware_address(lease.router_mac)
    if lease.mtu:
        yield _MTU, struct.pack("!HI", 0, lease.mtu)
    network = network_of(address, prefix)
    yield _PREFIX, struct.pack("!BBIII16s", prefix, _ON_LINK, _FOR_EVER, _FOR_EVER, 0, network)
    if servers := addresses_of(socket.AF_INET6, lease.nameservers):
        yield _NAME_SERVERS, struct.pack("!HI", 0, LIFETIME) + servers
    if searches := names(lease.searches):
        yield _SEARCHES, struct.pack("!HI", 0, LIFETIME) + searches


def _option(kind: int, data: bytes) -> bytes:
    """Padded to the units of eight bytes that lengths are counted in."""
    units = -(-(len(data) + 2) // 8)
    return bytes([kind, units]) + data.ljust(8 * units - 2, b"\0")
