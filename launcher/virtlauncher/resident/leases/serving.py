"""Leases on sockets: what a guest asks is answered, whatever else it sends is counted and dropped.

A guest that floods costs itself its answers, and the process no more than `_BURST` packets at a
time: the serial console and the monitor are served by the same loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Coroutine, Mapping
from typing import Any

from ... import wire
from ...errors import Refused
from ...facts import Lease, Nic
from ..descriptors import Descriptors
from . import advertising, dhcp4, dhcp6

_log = logging.getLogger("virtlauncher.leases")
_PACKET_LIMIT = 4096
"""Bytes: more than any client sends; what is longer is cut off, and then no packet of ours."""
_BURST = 16
_PAUSE = 0.1
"""Seconds without ears after a burst."""
ADVERTISING = 300.0
"""Seconds between two advertisements that nobody asked for: within RFC 4861's default range."""
_ALL_NODES = "ff02::1"
_DHCP6_CLIENT = 546

Address = tuple[Any, ...]


class Responder:
    """One socket of one NIC. Subclasses say what is answered, and to whom."""

    protocol = ""

    def __init__(self, nic: str, sock: socket.socket, lease: Lease) -> None:
        self.name = f"{nic}/{self.protocol}"
        self.answered = self.dropped = 0
        self._sock = sock
        self._lease = lease

    def answer(self, packet: bytes, asker: Address) -> tuple[bytes, Address] | None:
        """A reply and where it goes. Never raises."""
        raise NotImplementedError

    async def serve(self) -> None:
        """Answer until cancelled."""
        while True:
            await wire.readable(self._sock)
            for _ in range(_BURST):
                if not self._serve_one():
                    break
            else:
                await asyncio.sleep(_PAUSE)

    def _serve_one(self) -> bool:
        try:
            packet, asker = self._sock.recvfrom(_PACKET_LIMIT)
        except BlockingIOError:
            return False
        reply = self.answer(packet, asker)
        if reply is None:
            self.dropped += 1
        else:
            self._send(*reply)
        return True

    def _send(self, reply: bytes, to: Address) -> None:
        try:
            self._sock.sendto(reply, to)
        except OSError as error:  # The guest chose where to. What is lost is asked for again.
            self.dropped += 1
            _log.debug("%s: no reply to %s: %s", self.name, to[0], error.strerror)
        else:
            self.answered += 1


class Dhcp4(Responder):
    protocol = "dhcp4"

    def answer(self, packet: bytes, asker: Address) -> tuple[bytes, Address] | None:
        reply = dhcp4.answer(packet, self._lease)
        return None if reply is None else (reply, dhcp4.destination(reply))


class Dhcp6(Responder):
    protocol = "dhcp6"

    def answer(self, packet: bytes, asker: Address) -> tuple[bytes, Address] | None:
        reply = dhcp6.answer(packet, self._lease)
        return None if reply is None else (reply, (asker[0], _DHCP6_CLIENT, *asker[2:]))


class Advertiser(Responder):
    """Answers solicitations, and advertises now and then unasked."""

    protocol = "ra"
    every = ADVERTISING
    _everybody = (_ALL_NODES, 0)

    def answer(self, packet: bytes, asker: Address) -> tuple[bytes, Address] | None:
        reply = advertising.answer(packet, self._lease)
        return None if reply is None else (reply, self._everybody)

    async def serve(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().serve())
            tasks.create_task(self._advertise())

    async def _advertise(self) -> None:
        while True:
            await asyncio.sleep(self.every)
            self._send(advertising.advertisement(self._lease), self._everybody)


class Leases:
    """Owns the sockets of every NIC with a lease, until it is closed."""

    def __init__(self) -> None:
        self.responders: list[Responder] = []
        self._sockets = contextlib.ExitStack()

    def claim(self, nics: Mapping[str, Nic], descriptors: Descriptors) -> None:
        """Take the NICs' sockets out of what came with a request: nobody else gets them.

        Raises Refused for one that is missing or no socket, and for a lease that cannot be told.
        """
        for name, nic in nics.items():
            if nic.lease is None:
                continue
            _check(name, nic.lease)
            for fd, kind in ((nic.dhcp4_fd, Dhcp4), (nic.dhcp6_fd, Dhcp6), (nic.ra_fd, Advertiser)):
                if fd:
                    sock = self._sockets.enter_context(_socket(fd, descriptors))
                    self.responders.append(kind(name, sock, nic.lease))

    async def serve(self) -> None:
        """Answer on every socket until cancelled. One that fails fails alone."""
        async with asyncio.TaskGroup() as tasks:
            for responder in self.responders:
                tasks.create_task(_alone(responder.name, responder.serve()))

    def close(self) -> None:
        """Close the sockets. Nobody may be serving."""
        for one in self.responders:
            _log.info("%s: %d answered, %d dropped", one.name, one.answered, one.dropped)
        self.responders.clear()
        self._sockets.close()


async def _alone(name: str, coroutine: Coroutine[Any, Any, None]) -> None:
    try:
        await coroutine
    except Exception:
        _log.exception("%s is not answered any more", name)


def _socket(name: str, descriptors: Descriptors) -> socket.socket:
    number = descriptors.get(name)
    if number is None:
        raise Refused(f"descriptor {name!r} did not come with the request")
    try:
        sock = socket.socket(fileno=number)
    except OSError as error:
        raise Refused(f"descriptor {name!r} is no socket") from error
    descriptors.release(name)
    sock.setblocking(False)
    return sock


def _check(name: str, lease: Lease) -> None:
    """Have everything said once, so that nothing raises when a packet comes."""
    try:
        if lease.ipv4:
            dhcp4.everything(lease)
        if lease.ipv6:
            dhcp6.everything(lease)
            advertising.advertisement(lease)
    except (ValueError, OSError, OverflowError, struct.error) as error:
        raise Refused(f"the lease cannot be told: {error}", field=f"nics.{name}.lease") from error
