"""DHCPv6 for one client and one address (RFC 8415; name servers: RFC 3646; NTP: RFC 5908). Pure."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from enum import IntEnum

from ...facts import Lease
from .encoding import address_and_prefix, addresses_of, hardware_address, names

SECONDS = 999 * 24 * 3600
"""For how long the address is given, as over DHCPv4."""
_ASSOCIATION = struct.Struct("!4sII")
"""Of addresses: its id, and when to renew and to rebind it (0: the client's choice)."""
_ADDRESS = struct.Struct("!16sII")
"""An address, and for how many seconds it is preferred and valid."""
_LINK_LAYER, _ETHERNET = 3, 1
_MOST_PREFERRED = b"\xff"
"""No client waits for another server then."""


class Kind(IntEnum):
    """DHCPv6 message types."""

    SOLICIT = 1
    ADVERTISE = 2
    REQUEST = 3
    CONFIRM = 4
    RENEW = 5
    REBIND = 6
    REPLY = 7
    RELEASE = 8
    DECLINE = 9
    INFORMATION_REQUEST = 11

    @property
    def names_a_server(self) -> bool:
        """Whether it is for one server only (RFC 8415, 16)."""
        return self in (Kind.REQUEST, Kind.RENEW, Kind.RELEASE, Kind.DECLINE)


class Code(IntEnum):
    """Options."""

    CLIENT = 1
    SERVER = 2
    ADDRESSES = 3
    TEMPORARY = 4
    ADDRESS = 5
    PREFERENCE = 7
    STATUS = 13
    RAPID_COMMIT = 14
    NAME_SERVERS = 23
    SEARCHES = 24
    PREFIXES = 25
    NTP = 56


class Status(IntEnum):
    SUCCESS = 0
    NO_ADDRESS = 2
    NOT_ON_LINK = 4
    NO_PREFIX = 6


Options = list[tuple[int, bytes]]


def answer(packet: bytes, lease: Lease) -> bytes | None:
    """The reply to a client's UDP payload; None for what needs none or is no request of ours."""
    try:
        kind = Kind(packet[0])
    except (IndexError, ValueError):
        return None
    options = _parse(packet[4:])
    if options is None or len(packet) < 4 or not lease.ipv6 or not _for_us(kind, options, lease):
        return None
    content = _content(kind, options, lease)
    if content is None:
        return None
    rapid = kind is Kind.SOLICIT and Code.RAPID_COMMIT in dict(options)
    reply = Kind.ADVERTISE if kind is Kind.SOLICIT and not rapid else Kind.REPLY
    head = [(code, data) for code, data in options if code == Code.CLIENT]
    head.append((Code.SERVER, _server(lease)))
    if rapid:
        head.append((Code.RAPID_COMMIT, b""))
    return bytes([reply]) + packet[1:4] + _render([*head, *content])


def everything(lease: Lease) -> Options:
    """All that a lease with an IPv6 address tells beside the address.

    Raises ValueError or OSError for one that cannot be told.
    """
    address_and_prefix(lease.ipv6)
    return [(int(Code.SERVER), _server(lease)), *_known(lease)]


def _parse(data: bytes) -> Options | None:
    """None when an option is cut off."""
    options = []
    at = 0
    while at < len(data):
        if at + 4 > len(data):
            return None
        code, length = struct.unpack_from("!HH", data, at)
        at += 4 + length
        if at > len(data):
            return None
        options.append((code, data[at - length : at]))
    return options


def _render(options: Iterable[tuple[int, bytes]]) -> bytes:
    return b"".join(struct.pack("!HH", code, len(data)) + data for code, data in options)


def _for_us(kind: Kind, options: Options, lease: Lease) -> bool:
    """What RFC 8415, 16.2 to 16.12, says of the identities in a message."""
    by_code = dict(options)
    server = by_code.get(Code.SERVER)
    if kind in (Kind.ADVERTISE, Kind.REPLY):
        return False
    if kind is Kind.INFORMATION_REQUEST:
        return server in (None, _server(lease))
    if not by_code.get(Code.CLIENT):
        return False
    return server == (_server(lease) if kind.names_a_server else None)


def _server(lease: Lease) -> bytes:
    """Who we are (a DUID of type LL): the router, whoever plays it."""
    return struct.pack("!HH", _LINK_LAYER, _ETHERNET) + hardware_address(lease.router_mac)


def _content(kind: Kind, options: Options, lease: Lease) -> Options | None:
    match kind:
        case Kind.CONFIRM:
            return _confirmed(options, lease)
        case Kind.RELEASE | Kind.DECLINE:
            return [_status(Status.SUCCESS)]
        case Kind.INFORMATION_REQUEST:
            return list(_known(lease))
        case Kind.SOLICIT:
            preference = (int(Code.PREFERENCE), _MOST_PREFERRED)
            return [preference, *_associations(options, lease), *_known(lease)]
        case _:
            return [*_associations(options, lease), *_known(lease)]


def _confirmed(options: Options, lease: Lease) -> Options | None:
    """Whether the addresses that a client has from before are this link's."""
    asked = [address for code, data in options if code == Code.ADDRESSES for address in _in(data)]
    if not asked:
        return None
    right = all(address == _own(lease) for address in asked)
    return [_status(Status.SUCCESS if right else Status.NOT_ON_LINK)]


def _own(lease: Lease) -> bytes:
    return address_and_prefix(lease.ipv6)[0]


def _associations(options: Options, lease: Lease) -> Iterator[tuple[int, bytes]]:
    """An answer to each that the client wants: the address goes into the first."""
    given = False
    for code, data in options:
        if code == Code.ADDRESSES and len(data) >= _ASSOCIATION.size:
            yield code, data[:4] + bytes(8) + (_nothing() if given else _one(data, lease))
            given = True
        elif code == Code.TEMPORARY and len(data) >= 4:
            yield code, data[:4] + _nothing()
        elif code == Code.PREFIXES and len(data) >= _ASSOCIATION.size:
            yield code, data[:4] + bytes(8) + _render([_status(Status.NO_PREFIX)])


def _nothing() -> bytes:
    return _render([_status(Status.NO_ADDRESS)])


def _one(data: bytes, lease: Lease) -> bytes:
    """Our address; any other that the client believes to have ends now."""
    own = _own(lease)
    over = [address for address in dict.fromkeys(_in(data)) if address != own]
    return _render(
        [
            (Code.ADDRESS, _ADDRESS.pack(own, SECONDS, SECONDS)),
            *((Code.ADDRESS, _ADDRESS.pack(address, 0, 0)) for address in over),
        ]
    )


def _in(association: bytes) -> list[bytes]:
    """The addresses that a client names in an association."""
    inner = _parse(association[_ASSOCIATION.size :]) or []
    return [data[:16] for code, data in inner if code == Code.ADDRESS and len(data) >= 16]


def _status(status: Status) -> tuple[int, bytes]:
    return Code.STATUS, status.to_bytes(2, "big")


def _known(lease: Lease) -> Iterator[tuple[int, bytes]]:
    """What a lease tells beside the address."""
    if servers := addresses_of(socket.AF_INET6, lease.nameservers):
        yield Code.NAME_SERVERS, servers
    if searches := names(lease.searches):
        yield Code.SEARCHES, searches
    if ntp := addresses_of(socket.AF_INET6, lease.ntp):
        parts = [(1, ntp[at : at + 16]) for at in range(0, len(ntp), 16)]
        yield Code.NTP, _render(parts)
