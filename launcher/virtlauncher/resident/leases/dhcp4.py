"""DHCPv4 for one client and one lease (RFC 2131, options of RFC 2132, 3397, 3442). Pure.

There is nothing to allocate and nothing to forget: the answer follows from the packet alone.
"""

from __future__ import annotations

import dataclasses
import socket
import struct
from collections.abc import Iterator, Mapping
from enum import IntEnum

from ...facts import Lease
from .encoding import (
    address_and_prefix,
    addresses_of,
    hardware_address,
    mask_of,
    names,
    network_of,
)

SECONDS = 999 * 24 * 3600
"""For how long an address is given: KubeVirt's number. The machine's end is the real one."""
PRIVATE = range(224, 255)
"""Options of the user's own, which are told whether or not a client asks."""

_HEAD = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s4s")
"""op, hardware type, its length, hops, transaction, seconds, flags, ciaddr, yiaddr, siaddr,
giaddr, chaddr, sname, file, magic cookie."""
_REQUEST, _REPLY, _ETHERNET = 1, 2, 1
_COOKIE = b"\x63\x82\x53\x63"
_NO_ADDRESS = bytes(4)
_BROADCAST = "255.255.255.255"
_HEADERS = 28
"""Bytes of IP and UDP, which the client counts in when it says how much it takes."""
_LEAST_SIZE, _LEAST_LIMIT, _MOST_LIMIT = 300, 576, 1500
"""Bytes: BOOTP's smallest message, and what every client takes (RFC 2131, 2)."""


class Kind(IntEnum):
    """DHCP message types."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8


class Code(IntEnum):
    """Options."""

    PAD = 0
    MASK = 1
    ROUTER = 3
    NAME_SERVERS = 6
    HOST_NAME = 12
    DOMAIN = 15
    MTU = 26
    NTP = 42
    REQUESTED_ADDRESS = 50
    LEASE_TIME = 51
    KIND = 53
    SERVER = 54
    WANTED = 55
    SIZE_LIMIT = 57
    CLIENT = 61
    TFTP_SERVER = 66
    BOOT_FILE = 67
    RAPID_COMMIT = 80
    SEARCHES = 119
    ROUTES = 121
    END = 255


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Request:
    kind: Kind
    transaction: int
    flags: int
    client: bytes
    """The client's own address, when it has one."""
    hardware: bytes
    """The whole field, padding included."""
    options: Mapping[int, bytes]

    @property
    def asked(self) -> bytes:
        return self.options.get(Code.REQUESTED_ADDRESS) or self.client


def answer(packet: bytes, lease: Lease) -> bytes | None:
    """The reply to a client's UDP payload; None for what needs none or is no request of ours."""
    request = _parse(packet)
    if request is None or not lease.ipv4 or not _served(request, lease):
        return None
    kind = _reply_kind(request, lease)
    return None if kind is None else _render(kind, request, lease)


def destination(reply: bytes) -> tuple[str, int]:
    """Where a reply goes: to a client that has its address there, else to everybody."""
    client, kind = reply[12:16], reply[242]
    if client == _NO_ADDRESS or kind == Kind.NAK:
        return _BROADCAST, 68
    return socket.inet_ntop(socket.AF_INET, client), 68


def everything(lease: Lease) -> dict[int, bytes]:
    """All that a lease with an IPv4 address tells, by option, in the order of importance.

    Raises ValueError, OSError or OverflowError for one that cannot be told.
    """
    address, prefix = address_and_prefix(lease.ipv4)
    return {
        Code.SERVER: _server(lease),
        Code.MASK: mask_of(prefix),
        Code.ROUTER: addresses_of(socket.AF_INET, [lease.ipv4_gateway]),
        Code.NAME_SERVERS: addresses_of(socket.AF_INET, lease.nameservers),
        Code.ROUTES: _routes(lease, address, prefix),
        Code.MTU: lease.mtu.to_bytes(2, "big") if lease.mtu else b"",
        Code.HOST_NAME: lease.hostname.encode(),
        Code.DOMAIN: lease.domain.encode(),
        Code.SEARCHES: names(lease.searches),
        Code.NTP: addresses_of(socket.AF_INET, lease.ntp),
        Code.TFTP_SERVER: lease.tftp_server.encode(),
        Code.BOOT_FILE: lease.boot_file.encode(),
        **dict(_private(lease)),
    }


def _parse(packet: bytes) -> _Request | None:
    if len(packet) < _HEAD.size:
        return None
    op, hardware_type, length, _, transaction, _, flags, *rest = _HEAD.unpack_from(packet)
    client, _, _, relay, hardware, _, _, cookie = rest
    if (op, hardware_type, length, cookie) != (_REQUEST, _ETHERNET, 6, _COOKIE):
        return None
    if relay != _NO_ADDRESS:  # There is no relay on a guest's own link.
        return None
    options = _parse_options(packet[_HEAD.size :])
    try:
        kind = Kind(options.get(Code.KIND, b"\0")[0])
    except (ValueError, IndexError):
        return None
    return _Request(
        kind=kind,
        transaction=transaction,
        flags=flags,
        client=client,
        hardware=hardware,
        options=options,
    )


def _parse_options(data: bytes) -> dict[int, bytes]:
    """What is there until the end option or the first that is cut off; parts are joined."""
    options: dict[int, bytes] = {}
    at = 0
    while at < len(data) and data[at] != Code.END:
        if data[at] == Code.PAD:
            at += 1
            continue
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            break
        end = at + 2 + data[at + 1]
        options[data[at]] = options.get(data[at], b"") + data[at + 2 : end]
        at = end
    return options


def _served(request: _Request, lease: Lease) -> bool:
    return not lease.client_mac or request.hardware[:6] == hardware_address(lease.client_mac)


def _reply_kind(request: _Request, lease: Lease) -> Kind | None:
    match request.kind:
        case Kind.DISCOVER:
            return Kind.ACK if Code.RAPID_COMMIT in request.options else Kind.OFFER
        case Kind.REQUEST:
            return _verdict(request, lease)
        case Kind.INFORM:
            return Kind.ACK if request.client != _NO_ADDRESS else None
        case _:  # A release or a decline changes nothing: there is only this one address.
            return None


def _verdict(request: _Request, lease: Lease) -> Kind | None:
    chosen = request.options.get(Code.SERVER)
    if chosen is not None and chosen != _server(lease):
        return None
    if request.asked == _NO_ADDRESS:
        return None
    return Kind.ACK if request.asked == address_and_prefix(lease.ipv4)[0] else Kind.NAK


def _server(lease: Lease) -> bytes:
    return socket.inet_pton(socket.AF_INET, lease.ipv4_server or lease.ipv4_gateway)


def _render(kind: Kind, request: _Request, lease: Lease) -> bytes:
    refused, informed = kind is Kind.NAK, request.kind is Kind.INFORM
    given = _NO_ADDRESS if refused or informed else address_and_prefix(lease.ipv4)[0]
    boot_server = b"" if refused else addresses_of(socket.AF_INET, [lease.tftp_server])
    head = _HEAD.pack(
        _REPLY,
        _ETHERNET,
        6,
        0,
        request.transaction,
        0,
        request.flags,
        _NO_ADDRESS if refused or request.kind is Kind.DISCOVER else request.client,
        given,
        boot_server or _NO_ADDRESS,
        _NO_ADDRESS,
        request.hardware,
        b"" if refused else lease.tftp_server.encode()[:63],
        b"" if refused else lease.boot_file.encode()[:127],
        _COOKIE,
    )
    room = _room(request) - len(head) - 1
    options = bytearray()
    for code, value in _options(kind, request, lease):
        written = _option(code, value)
        if len(options) + len(written) <= room:  # The rest is less important than what fits.
            options += written
    return (head + options + bytes([Code.END])).ljust(_LEAST_SIZE, b"\0")


def _room(request: _Request) -> int:
    said = int.from_bytes(request.options.get(Code.SIZE_LIMIT, b"")[:2], "big")
    return min(max(said, _LEAST_LIMIT), _MOST_LIMIT) - _HEADERS


def _option(code: int, value: bytes) -> bytes:
    """A long value in several parts (RFC 3396)."""
    parts = [value[at : at + 255] for at in range(0, len(value), 255)] or [b""]
    return b"".join(bytes([code, len(part)]) + part for part in parts)


def _options(kind: Kind, request: _Request, lease: Lease) -> Iterator[tuple[int, bytes]]:
    """Whatever the reply must have, then what the client wants in its order, then the private."""
    yield Code.KIND, bytes([kind])  # The first one: `destination` looks here.
    yield Code.SERVER, _server(lease)
    if client := request.options.get(Code.CLIENT):
        yield Code.CLIENT, client  # RFC 6842
    if kind is Kind.NAK:
        return
    if request.kind is not Kind.INFORM:
        yield Code.LEASE_TIME, SECONDS.to_bytes(4, "big")
    if request.kind is Kind.DISCOVER and kind is Kind.ACK:
        yield Code.RAPID_COMMIT, b""
    known = {code: value for code, value in everything(lease).items() if value}
    wanted = request.options.get(Code.WANTED) or bytes(known)
    private = (code for code in known if code in PRIVATE)
    for code in dict.fromkeys([Code.MASK, *wanted, *private]):
        if code in known and code != Code.SERVER:
            yield code, known[code]


def _private(lease: Lease) -> Iterator[tuple[int, bytes]]:
    for number, text in lease.private_options.items():
        if int(number) not in PRIVATE:
            raise ValueError(f"{number} is no private option")
        yield int(number), text.encode()


def _routes(lease: Lease, address: bytes, prefix: int) -> bytes:
    """Classless routes (RFC 3442), where a router alone does not say it.

    A client that gets them ignores the router: the default route is among them.
    """
    gateway = addresses_of(socket.AF_INET, [lease.ipv4_gateway])
    on_link = network_of(gateway, prefix) == network_of(address, prefix) if gateway else True
    if on_link and not lease.routes:
        return b""
    routes = [_route(gateway, 32, _NO_ADDRESS)] if not on_link else []
    routes += [
        _route(*address_and_prefix(route.destination), _hop(route.gateway))
        for route in lease.routes
    ]
    if gateway:
        routes.append(_route(_NO_ADDRESS, 0, gateway))
    return b"".join(routes)


def _hop(text: str) -> bytes:
    return addresses_of(socket.AF_INET, [text]) or _NO_ADDRESS


def _route(destination: bytes, prefix: int, gateway: bytes) -> bytes:
    return bytes([prefix]) + destination[: (prefix + 7) // 8] + gateway
