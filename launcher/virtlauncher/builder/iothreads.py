"""I/O threads: KubeVirt's rules which virtio disk is served by which thread.

shared: one thread for all; auto: a thread per disk, but no more than two per virtual CPU;
supplementalPool: every disk by all threads. A disk with dedicatedIOThread has its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ..value import Value
from .given import Given
from .options import Group, Json, Option

MAPPING_VERSION = (9, 0, 0)
"""The first QEMU that serves one disk by several threads."""

_PER_VCPU = 2


class IOThreads(Value):
    ids: tuple[str, ...] = ()
    of_disk: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    """Threads of each virtio disk, by its name."""

    def options(self) -> list[Option]:
        return [
            Json("-object", {"qom-type": "iothread", "id": id}, Group.DISKS, "Disks do not wait")
            for id in self.ids
        ]

    def props(self, disk: str) -> dict[str, Any]:
        """Properties of the disk's virtio-blk device."""
        threads = self.of_disk.get(disk, ())
        if len(threads) > 1:
            return {"iothread-vq-mapping": [{"iothread": thread} for thread in threads]}
        return {"iothread": threads[0]} if threads else {}


def io_threads(given: Given, virtio: Sequence[str]) -> IOThreads:
    """The threads for the virtio disks of these names, in the VMI's order."""
    policy = given.domain.io_threads_policy
    if policy == "supplementalPool":
        return _pool(given, virtio)
    alone = {disk.name for disk in given.devices.disks if disk.dedicated_io_thread}
    alone &= set(virtio)
    if not policy and not alone:
        return IOThreads()
    common = [name for name in virtio if name not in alone]
    limit = given.vcpus * _PER_VCPU if policy == "auto" else 1
    number = min(len(common), max(1, limit - len(alone)))
    of_disk = {name: (_id(1 + i % number),) for i, name in enumerate(common)}
    own = [name for name in virtio if name in alone]
    of_disk |= {name: (_id(number + i),) for i, name in enumerate(own, start=1)}
    return IOThreads(ids=_ids(number + len(own)), of_disk=of_disk)


def pool_is_split(given: Given) -> bool:
    """Whether this QEMU serves a disk by one thread of the pool only."""
    pool = given.domain.io_threads_policy == "supplementalPool"
    return pool and given.facts.qemu.version < MAPPING_VERSION


def _pool(given: Given, virtio: Sequence[str]) -> IOThreads:
    wanted = given.domain.io_threads
    number = (wanted.supplemental_pool_thread_count if wanted is not None else None) or 1
    ids = _ids(number)
    if pool_is_split(given):
        return IOThreads(ids=ids, of_disk={n: (ids[i % number],) for i, n in enumerate(virtio)})
    return IOThreads(ids=ids, of_disk=dict.fromkeys(virtio, ids))


def _ids(number: int) -> tuple[str, ...]:
    return tuple(_id(i) for i in range(1, number + 1))


def _id(number: int) -> str:
    return f"iothread{number}"
