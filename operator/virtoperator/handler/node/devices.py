"""The node's devices that VMs are made of: there or not, and news when that changes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pyudev

KVM, VHOST_NET, TUN = "kvm", "vhost-net", "net/tun"
_OF_INTEREST = {KVM, VHOST_NET, "tun"}
_TUN_NUMBER = os.makedev(10, 200)
"""Linux' fixed number of /dev/net/tun."""
_CPUINFO = Path("/proc/cpuinfo")

_log = logging.getLogger("virtoperator.handler.node")


def ensure_tun(folder: Path) -> None:
    """Make `net/tun` in the node's /dev where nothing else does."""
    path = folder / TUN
    with contextlib.suppress(FileExistsError):
        path.parent.mkdir(exist_ok=True)
        os.mknod(path, stat.S_IFCHR | 0o666, _TUN_NUMBER)
        _log.info("made %s", path)


def cpu_flags(cpuinfo: Path = _CPUINFO) -> tuple[str, ...]:
    """The host CPU's features, as Linux calls them."""
    for line in cpuinfo.read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "flags":
            return tuple(value.split())
    return ()


@contextlib.contextmanager
def watching(changed: Callable[[], None]) -> Iterator[None]:
    """Call `changed` in the running loop when a device of interest comes or goes.

    The kernel's own messages are heard: a node need not run udevd, and a pod would not hear it.
    """
    loop = asyncio.get_running_loop()
    monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source="kernel")
    monitor.filter_by("misc")

    def hear() -> None:
        while (device := monitor.poll(0)) is not None:
            # KVM also says `change`, for every VM that is made or ends.
            if device.sys_name in _OF_INTEREST and device.action in ("add", "remove"):
                _log.info("device %s: %s", device.sys_name, device.action)
                changed()

    monitor.start()
    loop.add_reader(monitor.fileno(), hear)
    try:
        yield
    finally:
        loop.remove_reader(monitor.fileno())
