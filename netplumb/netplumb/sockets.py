"""The sockets on which a guest asks for its addresses. Who has them answers without privilege.

Each is bound to the tap: nothing else reaches it, and what is sent on it goes to the guest alone.
"""

from __future__ import annotations

import contextlib
import socket
import struct

from .connected import Sockets

_DHCP4, _DHCP6 = 67, 547
_DHCP_SERVERS = "ff02::1:2"
_ROUTERS = "ff02::2"
_ROUTER_SOLICITATION = 133
_ICMP6_FILTER = 1
_HOPS = 255
"""What neighbour discovery demands (RFC 4861, 6.1)."""


def open_sockets(device: str, *, ipv4: bool, ipv6: bool) -> Sockets:
    """Raises OSError, and leaves nothing open then."""
    with contextlib.ExitStack() as opened:
        dhcp4 = _dhcp4(device, opened) if ipv4 else None
        dhcp6 = _dhcp6(device, opened) if ipv6 else None
        ra = _advertiser(device, opened) if ipv6 else None
        return Sockets(
            dhcp4=dhcp4.detach() if dhcp4 else None,
            dhcp6=dhcp6.detach() if dhcp6 else None,
            ra=ra.detach() if ra else None,
        )


def _dhcp4(device: str, opened: contextlib.ExitStack) -> socket.socket:
    sock = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    _bind_to(device, sock)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.bind(("0.0.0.0", _DHCP4))
    return sock


def _dhcp6(device: str, opened: contextlib.ExitStack) -> socket.socket:
    sock = opened.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    _bind_to(device, sock)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(("::", _DHCP6))
    _join(device, sock, _DHCP_SERVERS)
    return sock


def _advertiser(device: str, opened: contextlib.ExitStack) -> socket.socket:
    raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    sock = opened.enter_context(raw)
    _bind_to(device, sock)
    sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, _only(_ROUTER_SOLICITATION))
    for option in (socket.IPV6_MULTICAST_HOPS, socket.IPV6_UNICAST_HOPS):
        sock.setsockopt(socket.IPPROTO_IPV6, option, _HOPS)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex(device))
    _join(device, sock, _ROUTERS)
    return sock


def _bind_to(device: str, sock: socket.socket) -> None:
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def _only(kind: int) -> bytes:
    """An ICMPv6 filter for one type: eight words, where a set bit keeps a type out (RFC 3542)."""
    words = [0xFFFFFFFF] * 8
    words[kind >> 5] &= ~(1 << (kind & 31))
    return struct.pack("=8I", *words)


def _join(device: str, sock: socket.socket, group: str) -> None:
    member = socket.inet_pton(socket.AF_INET6, group)
    index = struct.pack("=I", socket.if_nametoindex(device))
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member + index)
