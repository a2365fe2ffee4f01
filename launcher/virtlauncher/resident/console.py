"""The broker of the serial console: the guest's UART has one peer, which always reads.

What the guest writes goes to a bounded log, to a ring of the newest bytes, and to every client
that keeps up; a slow one loses output (counted), the guest is never held up. What clients type
goes to the guest as fast as it takes it; until then they are not read.
"""

from __future__ import annotations

import asyncio
import logging
import socket

from ..errors import NotNow
from .logfile import BoundedLog

RING_SIZE = 64 * 1024
BACKLOG_LIMIT = 2 * RING_SIZE
"""Bytes that wait for one client: the ring at its attachment, and as much again."""
INPUT_LIMIT = 4 * 1024
"""Bytes that wait for the guest before clients are no longer read."""
CLIENTS_LIMIT = 32
_CHUNK = 64 * 1024

_log = logging.getLogger("virtlauncher.console")


class Broker:
    """Lives as long as the launcher: clients may attach before the guest exists."""

    def __init__(self, log: BoundedLog | None = None) -> None:
        self.log = log
        self._ring = bytearray()
        self._clients: set[Client] = set()
        self._serial: socket.socket | None = None
        self._input = bytearray()
        self._over = False

    def connect(self, serial: socket.socket) -> None:
        """The guest's UART appears; the socket is ours from now on."""
        serial.setblocking(False)
        self._serial = serial
        asyncio.get_running_loop().add_reader(serial, self._read)
        for client in self._clients:
            client.listen(True)

    def attach(self) -> int:
        """A new client: the descriptor of its half, which gets the ring, then what comes.

        Raises NotNow when there are too many.
        """
        if len(self._clients) >= CLIENTS_LIMIT:
            raise NotNow(f"there are {CLIENTS_LIMIT} console clients already")
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        client = Client(self, ours)
        client.put(bytes(self._ring))
        if self._over:
            client.close()
        else:
            self._clients.add(client)
            client.listen(self._serial is not None and len(self._input) < INPUT_LIMIT)
        return theirs.detach()

    def close(self) -> None:
        """The guest is gone: its last output is read, then clients see the end."""
        if self._serial is not None:
            while self._serial is not None and self._read():
                pass
            self._drop_serial()
        self._over = True
        for client in list(self._clients):
            client.close()
        if self.log is not None:
            self.log.close()

    def detached(self, client: Client) -> None:
        self._clients.discard(client)

    def typed(self, data: bytes) -> None:
        """A client's input. Never more than INPUT_LIMIT and one read wait here."""
        self._input += data
        self._write()

    def _read(self) -> bool:
        assert self._serial is not None
        try:
            data = self._serial.recv(_CHUNK)
        except BlockingIOError:
            return False
        except ConnectionError:
            data = b""
        if not data:
            self._drop_serial()
            return False
        if self.log is not None:
            self.log.write(data)
        self._ring += data
        del self._ring[:-RING_SIZE]
        for client in list(self._clients):
            client.put(data)
        return True

    def _write(self) -> None:
        loop = asyncio.get_running_loop()
        if self._serial is None:
            self._input.clear()
            return
        try:
            del self._input[: self._serial.send(self._input)]
        except BlockingIOError:
            pass
        except OSError:
            self._input.clear()
        if self._input:
            loop.add_writer(self._serial, self._write)
        else:
            loop.remove_writer(self._serial)
        for client in list(self._clients):
            client.listen(len(self._input) < INPUT_LIMIT)

    def _drop_serial(self) -> None:
        if self._serial is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._serial)
            loop.remove_writer(self._serial)
            self._serial.close()
            self._serial = None


class Client:
    """One attached console."""

    def __init__(self, broker: Broker, sock: socket.socket) -> None:
        self._broker = broker
        self._sock = sock
        self._backlog = bytearray()
        self._dropped = 0

    def put(self, data: bytes) -> None:
        """Send what can be sent at once, keep what fits in the backlog, drop and count the rest."""
        room = BACKLOG_LIMIT - len(self._backlog)
        self._dropped += max(len(data) - room, 0)
        self._backlog += data[:room]
        self._flush()

    def listen(self, wanted: bool) -> None:
        """Read the client's input, or leave it in the socket."""
        loop = asyncio.get_running_loop()
        if wanted:
            loop.add_reader(self._sock, self._read)
        else:
            loop.remove_reader(self._sock)

    def close(self) -> None:
        """Detach. The client still reads what is in its socket, then the end."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._sock)
        loop.remove_writer(self._sock)
        self._sock.close()
        self._broker.detached(self)
        if self._dropped:
            _log.info("a slow console client lost %d bytes", self._dropped)

    def _read(self) -> None:
        try:
            data = self._sock.recv(INPUT_LIMIT)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if data:
            self._broker.typed(data)
        else:
            self.close()

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            if self._backlog:
                del self._backlog[: self._sock.send(self._backlog)]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if self._backlog:
            loop.add_writer(self._sock, self._flush)
        else:
            loop.remove_writer(self._sock)
