"""Threads in another network namespace. A namespace belongs to a thread, not to a process."""

from __future__ import annotations

import concurrent.futures
import contextlib
import ctypes
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from .errors import PlumbError, Reason

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000


@contextlib.contextmanager
def entered(netns_fd: int) -> Iterator[None]:
    """Move the calling thread into a namespace, and back.

    `netns_fd` is a pidfd or a descriptor of the namespace. Processes started here begin in the
    namespace too. Raises PlumbError.
    """
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _setns(netns_fd)
        try:
            yield
        finally:
            _setns(home)
    finally:
        os.close(home)


def run_inside(netns_fd: int, work: Callable[[], T]) -> T:
    """Do `work` in a namespace, in a thread that ends with it. Raises what `work` raises."""

    def inside() -> T:
        _setns(netns_fd)
        return work()

    with concurrent.futures.ThreadPoolExecutor(1, "netplumb") as threads:
        return threads.submit(inside).result()


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """The descriptor of a namespace that has a name. Raises PlumbError."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise PlumbError(Reason.NAMESPACE_GONE, f"{path}: {error.strerror}") from error
    try:
        yield number
    finally:
        os.close(number)


def _setns(number: int) -> None:
    # os.setns came with Python 3.12.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(number, _CLONE_NEWNET) == 0:
        return
    code = ctypes.get_errno()
    if code == errno.EPERM:
        raise PlumbError(
            Reason.NOT_PERMITTED,
            "this process may not enter another network namespace",
            hint="it needs CAP_SYS_ADMIN",
        )
    raise PlumbError(
        Reason.NAMESPACE_GONE, f"the network namespace cannot be entered: {os.strerror(code)}"
    )
