"""What the machine uses, read when somebody asks: nothing here runs by itself.

Seconds and bytes throughout; what cannot be read is null.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import MonitorError
from ..plan import DiskDevice, Plan
from .monitor import Monitor

_TUNGETIFF = 0x800454D2
_IFREQ_SIZE, _IFNAMSIZ = 40, 16
_BLOCK_COUNTERS = (
    "rd_bytes",
    "wr_bytes",
    "rd_operations",
    "wr_operations",
    "flush_operations",
    "rd_total_time_ns",
    "wr_total_time_ns",
    "flush_total_time_ns",
    "failed_rd_operations",
    "failed_wr_operations",
)


async def observe_stats(
    plan: Plan, pid: int, monitor: Monitor, taps: Mapping[str, str]
) -> dict[str, Any]:
    """cpu, memory, balloon, blocks and nics of a running machine.

    `taps` has the network interface's name for each NIC that is one.
    """
    threads = await monitor.execute("query-cpus-fast")
    blocks = await monitor.execute("query-blockstats")
    return {
        "cpu": {
            "seconds": cpu_seconds(f"/proc/{pid}/stat"),
            "vcpus": [
                cpu_seconds(f"/proc/{pid}/task/{thread['thread-id']}/stat") for thread in threads
            ],
        },
        "memory": memory(pid),
        "balloon": await _balloon(plan, monitor),
        "blocks": block_counters(plan.disks, blocks),
        "nics": {nic.name: interface_counters(taps.get(nic.name, "")) for nic in plan.nics},
    }


def cpu_seconds(stat: str) -> float | None:
    """User and system time of a process or thread."""
    try:
        fields = _text(stat).rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> dict[str, int] | None:
    """rss, pss, anonymous and shared-memory bytes of a process."""
    try:
        text = _text(f"/proc/{pid}/smaps_rollup")
    except OSError:
        return None
    sizes = {line.split(":")[0]: line.split() for line in text.splitlines()[1:]}
    names = {"rss": "Rss", "pss": "Pss", "anonymous": "Anonymous", "shmem": "Pss_Shmem"}
    return {ours: int(sizes[name][1]) * 1024 for ours, name in names.items() if name in sizes}


def block_counters(
    disks: Sequence[DiskDevice], answer: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, int]]:
    """By volume, out of query-blockstats."""
    found = {}
    for entry in answer:
        names = {entry.get("node-name"), *str(entry.get("qdev", "")).split("/")}
        for disk in disks:
            if disk.node in names or disk.device in names:
                stats = entry.get("stats", {})
                found[disk.volume] = {key: stats.get(key, 0) for key in _BLOCK_COUNTERS}
    return found


def tap_name(number: int) -> str:
    """The interface behind a tap's descriptor; empty for any other descriptor."""
    request = bytearray(_IFREQ_SIZE)
    with contextlib.suppress(OSError):
        fcntl.ioctl(number, _TUNGETIFF, request)
    return bytes(request[:_IFNAMSIZ]).rstrip(b"\0").decode(errors="replace")


def interface_counters(name: str) -> dict[str, int] | None:
    """Bytes and packets as the guest counts them: what the host's end sends, it receives."""
    for line in _text("/proc/net/dev").splitlines():
        head, _, tail = line.partition(":")
        if name and head.strip() == name:
            n = [int(word) for word in tail.split()]
            return {
                "rx_bytes": n[8],
                "rx_packets": n[9],
                "rx_dropped": n[11],
                "tx_bytes": n[0],
                "tx_packets": n[1],
                "tx_dropped": n[3],
            }
    return None


def _text(path: str) -> str:
    with open(path) as file:
        return file.read()


async def _balloon(plan: Plan, monitor: Monitor) -> dict[str, Any] | None:
    device = balloon_device(plan)
    if not device:
        return None
    try:
        actual = (await monitor.execute("query-balloon"))["actual"]
        guest = await monitor.execute(
            "qom-get", {"path": f"/machine/peripheral/{device}", "property": "guest-stats"}
        )
    except MonitorError:  # The guest has no driver for it, or not yet.
        return None
    known = {key: n for key, n in guest["stats"].items() if 0 <= n < 2**63}
    return {"actual": actual, "last_update": guest["last-update"], **known}


def balloon_device(plan: Plan) -> str:
    """The id of the balloon, or empty."""
    return next(
        (name for name, at in plan.abi.devices.items() if at.startswith("virtio-balloon")), ""
    )
