"""Who is at the other end of a connection: said by the kernel, never by the peer.

The process is held by a pidfd, so that its number cannot come to mean another one.
"""

from __future__ import annotations

import dataclasses
import os
import select
import socket
import struct
from pathlib import Path

from .errors import NotOurs, NotThere

_SO_PEERPIDFD = 77
"""Linux 6.5; Python has no name for it yet."""
_CREDENTIALS = struct.Struct("3i")
PROC = Path("/proc")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Peer:
    """The process that listens; `close` lets go of it."""

    pid: int
    pidfd: int
    cgroups: str
    """Its /proc/PID/cgroup."""

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        return not select.select([self.pidfd], [], [], 0)[0]

    def close(self) -> None:
        os.close(self.pidfd)


def identify(sock: socket.socket, uid: str) -> Peer:
    """The process at the other end, once it is known to be one of the pod `uid`.

    Raises NotOurs for any other process, NotThere when it has just ended.
    """
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid = _CREDENTIALS.unpack(credentials)[0]
    if pid <= 0:
        raise NotOurs(f"the listener of the pod {uid} is outside of our process namespace")
    peer = _held(sock, pid, uid)
    try:
        _check(peer, uid)
    except BaseException:
        peer.close()
        raise
    return peer


def _check(peer: Peer, uid: str) -> None:
    if not peer.alive:
        raise NotThere(f"the listener of the pod {uid} has ended")
    if not in_pod(peer.cgroups, uid):
        raise NotOurs(f"the listener of the pod {uid} (process {peer.pid}) is not in that pod")


def in_pod(cgroups: str, uid: str) -> bool:
    """Whether a /proc/PID/cgroup is that of a process of the pod.

    The kubelet names a pod's group `pod<uid>` (cgroupfs) or, with dashes as underscores and inside
    a longer name, `…-pod<uid>.slice` (systemd); a process of the pod is in it or below it.
    """
    plain, slice_ = f"pod{uid}", f"pod{uid.replace('-', '_')}.slice"
    paths = (line.split(":", 2)[-1] for line in cgroups.splitlines())
    parts = {part for path in paths for part in path.split("/")}
    return any(part in (plain, slice_) or part.endswith(f"-{slice_}") for part in parts)


def _held(sock: socket.socket, pid: int, uid: str) -> Peer:
    """What the number says is the listener's only if it lives on after that: see `identify`."""
    try:
        pidfd = sock.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD)
    except OSError:  # An older kernel, or the listener has been reaped.
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            raise NotThere(f"the listener of the pod {uid} has ended") from None
    try:
        cgroups = (PROC / str(pid) / "cgroup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        os.close(pidfd)
        raise NotThere(f"the listener of the pod {uid} has ended") from None
    except BaseException:
        os.close(pidfd)
        raise
    return Peer(pid=pid, pidfd=pidfd, cgroups=cgroups)
