"""The launcher's socket of a pod, found by descriptors: the pod can write that folder, so nothing
in it is ever followed by name.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from .. import names
from .errors import NotOurs, NotThere

PODS = Path("/var/lib/kubelet/pods")
_UID = re.compile(r"[0-9A-Za-z-]{1,64}")
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def connect(pods: Path, uid: str) -> socket.socket:
    """A connected, non-blocking stream socket to whoever listens in the pod `uid`.

    Raises NotThere while (or once) nobody does, NotOurs when what lies there is no socket.
    """
    with opened(pods, uid) as place:
        return connect_to(place)


def connect_to(place: int) -> socket.socket:
    """`connect` to the socket that `opened` has found."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.connect(f"/proc/self/fd/{place}")
    except (ConnectionRefusedError, BlockingIOError) as error:
        sock.close()
        raise NotThere(f"nobody listens in the pod: {error.strerror}") from error
    except BaseException:
        sock.close()
        raise
    return sock


@contextlib.contextmanager
def opened(pods: Path, uid: str) -> Iterator[int]:
    """A descriptor of the socket itself, whatever its name means from now on."""
    with _folder(pods, uid) as folder, _owned(_find(folder, uid)) as place:
        mode = os.fstat(place).st_mode
        if not stat.S_ISSOCK(mode):
            raise NotOurs(f"{names.SOCKET} of the pod {uid} is no socket (mode {mode:o})")
        yield place


def _find(folder: int, uid: str) -> int:
    try:
        return os.open(names.SOCKET, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        raise NotThere(f"the pod {uid} has no {names.SOCKET}") from None


@contextlib.contextmanager
def _folder(pods: Path, uid: str) -> Iterator[int]:
    """The folder of the pod's `sockets` volume; no part of its path may be a link."""
    if not _UID.fullmatch(uid):
        raise NotOurs(f"{uid!r} is no UID of a pod")
    parts = (uid, "volumes", "kubernetes.io~empty-dir", names.SOCKETS_VOLUME)
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(_owned(os.open(pods, _FOLDER & ~os.O_NOFOLLOW)))
            for part in parts:
                folder = stack.enter_context(_owned(os.open(part, _FOLDER, dir_fd=folder)))
        except FileNotFoundError:
            raise NotThere(f"this node has no pod {uid}") from None
        except NotADirectoryError:
            raise NotOurs(f"the folder of the pod {uid} is not what the kubelet made") from None
        yield folder


@contextlib.contextmanager
def _owned(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)
