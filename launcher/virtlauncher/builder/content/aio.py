"""How QEMU does a disk's I/O: past the page cache or through it, and by which system calls.

Both are decided before a disk is opened, because QEMU takes a descriptor only if its O_DIRECT
matches. What is possible is found out by trying: QEMU's own fallback from io_uring is silent.
"""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum

from virtcrds.view import Disk

from .place import Place
from .stores import Store

_QEMU_EVENTS = 1024
"""Events that QEMU asks of io_setup (MAX_EVENTS of block/linux-aio.c)."""
_IO_URING_SETUP = 425
_IO_SETUP = {"x86_64": (206, 207), "aarch64": (0, 1), "s390x": (243, 244)}
"""Numbers of io_setup and io_destroy."""
_URING_PARAMS = 120
"""Bytes of struct io_uring_params."""


class Aio(StrEnum):
    NATIVE = "native"
    IO_URING = "io_uring"
    THREADS = "threads"


def works(aio: Aio, built_in: Collection[str]) -> bool:
    """Whether this process, and so its QEMU, may use *aio*, and QEMU has it *built_in*."""
    return aio in built_in and _PROBES[aio]()


def choose_direct(disk: Disk, stores: Sequence[Store], place: Place) -> bool:
    """Whether all *stores* are opened with O_DIRECT: as the user wishes, else where all take it.

    A shareable disk needs it: two page caches would disagree. Raises BadVolume with KubeVirt's
    sentence where cache 'none' is wished for and impossible.
    """
    wish = disk.cache or ("none" if disk.shareable else "")
    if disk.shareable and wish != "none":
        raise place.bad(f"a sharable disk requires cache = none got: {wish}")
    if wish not in ("", "none"):
        return False
    for store in stores:
        if not store.takes_direct():
            if wish:
                raise place.bad(
                    f"Unable to use 'none' cache mode, file system where {store.name} is stored "
                    "does not support direct I/O"
                )
            return False
    return True


def choose_aio(
    disk: Disk, top: Store, built_in: Collection[str], place: Place, *, direct: bool
) -> Aio:
    """The user's wish; else native where it never blocks, else the best that works.

    Native I/O may block QEMU where a write must first allocate, so it is for block devices and
    for files without holes only, as in KubeVirt.
    """
    if disk.io == Aio.NATIVE:
        _require_native(built_in, place, direct=direct)
    if disk.io:
        return Aio(disk.io)
    steady = top.block or top.preallocated
    if direct and steady and works(Aio.NATIVE, built_in):
        return Aio.NATIVE
    return Aio.IO_URING if works(Aio.IO_URING, built_in) else Aio.THREADS


def _require_native(built_in: Collection[str], place: Place, *, direct: bool) -> None:
    if not direct:
        raise place.bad("io 'native' needs direct I/O, which this disk's cache mode is without")
    if not works(Aio.NATIVE, built_in):
        raise place.bad(
            "io 'native' is not possible here: the kernel refuses io_setup",
            hint="See fs.aio-max-nr of this machine, or leave `io` unset.",
        )


@functools.cache
def _io_setup_works() -> bool:
    numbers = _IO_SETUP.get(os.uname().machine)
    if numbers is None:
        return False
    context = ctypes.c_ulong(0)
    if _call(numbers[0], ctypes.c_uint(_QEMU_EVENTS), ctypes.byref(context)) < 0:
        return False
    _call(numbers[1], context)  # takes tens of milliseconds, the reason to ask only when needed
    return True


@functools.cache
def _io_uring_works() -> bool:
    fd = _call(_IO_URING_SETUP, ctypes.c_uint(1), ctypes.create_string_buffer(_URING_PARAMS))
    if fd < 0:
        return False
    os.close(fd)
    return True


def _call(number: int, *arguments: object) -> int:
    result: int = ctypes.CDLL(None).syscall(ctypes.c_long(number), *arguments)
    return result


_PROBES: Mapping[Aio, Callable[[], bool]] = {
    Aio.NATIVE: _io_setup_works,
    Aio.IO_URING: _io_uring_works,
    Aio.THREADS: lambda: True,
}
