"""A pod's resolv.conf, read in the pod's own root without following anything there."""

from __future__ import annotations

import contextlib
import os
import stat

from netplumb import Resolver

from .peer import PROC, Peer

_LIMIT = 64 * 1024
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


def resolver_of(peer: Peer) -> Resolver:
    """Nameservers and search domains as the kubelet gave them to the pod; none if it gave none."""
    return Resolver.from_resolv_conf(_read(peer).decode(errors="replace"))


def _read(peer: Peer) -> bytes:
    with contextlib.ExitStack() as stack:
        try:
            root = os.open(PROC / str(peer.pid) / "root", _FOLDER)
            stack.callback(os.close, root)
            etc = os.open("etc", _FOLDER | os.O_NOFOLLOW, dir_fd=root)
            stack.callback(os.close, etc)
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            file = os.open("resolv.conf", flags, dir_fd=etc)
            stack.callback(os.close, file)
        except OSError:
            return b""
        if not (peer.alive and stat.S_ISREG(os.fstat(file).st_mode)):
            return b""
        return os.read(file, _LIMIT)
