"""Words to the kernel and the C library that Python has no name for."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable

_SET_PDEATHSIG = 1
_SET_DUMPABLE = 4
_SET_CHILD_SUBREAPER = 36


def harden() -> None:
    """Let nobody of our own uid read our memory or descriptors, nor trace us."""
    _prctl(_SET_DUMPABLE, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, and so its reaper."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def dying_with_parent() -> Callable[[], None]:
    """What a new child runs before its exec, so that it cannot outlive this process.

    For `preexec_fn`, which is safe here because the launcher has a single thread; an exec wrapper
    such as setpriv costs one more exec and leaves the race between fork and prctl open.
    """
    parent = os.getpid()
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def die_with_parent() -> None:
        prctl(_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # It died before the kernel knew our wish.
            os._exit(1)

    return die_with_parent


def give_back() -> None:
    """Return to the kernel what starting up has allocated and freed: half a megabyte."""
    ctypes.CDLL(None).malloc_trim(0)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
