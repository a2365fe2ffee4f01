"""Taps: devices whose other end is a file descriptor. Not persistent: the last one's end is theirs.

Layout of `struct ifreq` and the numbers are those of linux/if_tun.h.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from .errors import PlumbError, Reason

_DEVICE = "/dev/net/tun"
_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR, _IFF_MULTI_QUEUE = 0x0002, 0x1000, 0x4000, 0x0100


def open_tap(name: str, queues: int) -> tuple[int, ...]:
    """Make a tap in the calling thread's namespace; one descriptor per queue, the caller's.

    With offload headers (`vnet_hdr`), without packet information. Raises PlumbError.
    """
    flags = _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR | (_IFF_MULTI_QUEUE if queues > 1 else 0)
    numbers: list[int] = []
    try:
        for _ in range(queues):
            numbers.append(_open())
            fcntl.ioctl(numbers[-1], _TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    except OSError as error:
        for number in numbers:
            os.close(number)
        raise _explained(name, error) from error
    return tuple(numbers)


def _open() -> int:
    return os.open(_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


def _explained(name: str, error: OSError) -> PlumbError:
    match error.errno:
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            return PlumbError(
                Reason.TUN_UNAVAILABLE,
                f"{name} cannot be made: {_DEVICE}: {error.strerror}",
                hint="the node needs the kernel module 'tun'",
            )
        case errno.EBUSY:
            return PlumbError(Reason.INTERFACE_IN_USE, f"{name} is there, and somebody has it open")
        case errno.EPERM | errno.EACCES:
            return PlumbError(
                Reason.NOT_PERMITTED,
                f"{name} cannot be made: {error.strerror}",
                hint="it needs CAP_NET_ADMIN and access to /dev/net/tun",
            )
        case _:
            return PlumbError(Reason.KERNEL_REFUSED, f"{name} cannot be made: {error.strerror}")
