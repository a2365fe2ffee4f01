"""What the guest's display shows: a VNC connection, or a picture.

Both go through descriptors: no port, no socket and no file has a name.
"""

from __future__ import annotations

import binascii
import os
import socket
import struct
from typing import Any

from ..errors import MonitorError
from .monitor import Monitor

PICTURE_LIMIT = 4 * 1024 * 1024
"""Bytes of a PNG, so that its base64 fits in a line of the wire protocol."""
_HEADER = struct.Struct(">8sI4sII")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


async def vnc(monitor: Monitor) -> int:
    """The client's half of a new connection to QEMU's VNC server."""
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            name = f"vnc-{theirs.fileno()}"
            await monitor.hand_over(theirs.fileno(), "getfd", {"fdname": name})
            arguments = {"protocol": "vnc", "fdname": name, "skipauth": True}
            await monitor.execute("add_client", arguments)
    except BaseException:
        ours.close()
        raise
    return ours.detach()


async def screenshot(monitor: Monitor) -> dict[str, Any]:
    """png (base64), width and height of what the first display shows."""
    memory = os.memfd_create("screenshot", os.MFD_CLOEXEC)
    try:
        # An fdset gives out a descriptor only for the access mode that it has.
        writing = os.open(f"/proc/self/fd/{memory}", os.O_WRONLY | os.O_CLOEXEC)
        try:
            added = await monitor.hand_over(writing, "add-fd", {"opaque": "screenshot"})
        finally:
            os.close(writing)
        number = added["fdset-id"]
        try:
            await monitor.execute(
                "screendump", {"filename": f"/dev/fdset/{number}", "format": "png"}
            )
        finally:
            await monitor.execute("remove-fd", {"fdset-id": number})
        return _described(_read(memory))
    finally:
        os.close(memory)


def _read(memory: int) -> bytes:
    if os.fstat(memory).st_size > PICTURE_LIMIT:
        raise MonitorError(f"the picture has more than {PICTURE_LIMIT} bytes")
    return os.pread(memory, PICTURE_LIMIT, 0)


def _described(png: bytes) -> dict[str, Any]:
    if len(png) < _HEADER.size:
        raise MonitorError("QEMU made no picture")
    signature, _, kind, width, height = _HEADER.unpack_from(png)
    if signature != _SIGNATURE or kind != b"IHDR":
        raise MonitorError("QEMU made a picture that is no PNG")
    return {
        "png": binascii.b2a_base64(png, newline=False).decode(),
        "width": width,
        "height": height,
    }
