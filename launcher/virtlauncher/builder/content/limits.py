"""What reading foreign content may cost: bounds for this process, for qemu-img, and for seeds."""

from __future__ import annotations

import resource
import signal
from types import FrameType
from typing import NoReturn

from ...errors import BadVolume
from ...value import Value

MIB = 1 << 20


class Limits(Value):
    cpu_seconds: int = 10
    """Of one inspection; KubeVirt's number."""
    address_space: int = 2000 * MIB
    """Of one process; KubeVirt's number."""
    wall_seconds: float = 30.0
    """For one inspection on a slow or stuck storage."""
    seed_bytes: int = MIB
    """One file of a seed: what a Secret can hold."""
    config_bytes: int = 4 * MIB
    """All files of one configMap, secret, ... disk."""
    config_files: int = 1000


def limit_process(pid: int, limits: Limits) -> None:
    """Bound CPU and memory of a process, and forbid it to leave a core file (seeds are secret)."""
    for kind, soft, hard in (
        (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 2),
        (resource.RLIMIT_AS, limits.address_space, limits.address_space),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        ceiling = resource.prlimit(pid, kind)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.prlimit(pid, kind, (soft, hard))


def limit_self(limits: Limits) -> None:
    """Bound this process: its CPU time ends in a `BadVolume`, two seconds before a SIGKILL.

    Also lets it hold as many descriptors as the system allows: a disk has up to four.
    """
    signal.signal(signal.SIGXCPU, _out_of_time)
    limit_process(0, limits)
    ceiling = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, ceiling))


def _out_of_time(signum: int, frame: FrameType | None) -> NoReturn:
    raise BadVolume(
        "reading the volumes took more CPU time than allowed",
        hint="An image, seed or secret of this machine is broken or built to be expensive.",
    )
