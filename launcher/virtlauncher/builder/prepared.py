"""What the content half found and made, and the device half plugs in: values only, no I/O.

The content half opens every file itself (openat2: beneath, no symlinks), inspects *that*
descriptor under limits, and gives the descriptor a name. The device half never sees a path of a
disk: QEMU gets `/dev/fdset/N`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ..value import Value


class Layer(Value):
    """One file or device of a disk's chain, as descriptors opened for QEMU."""

    format: str
    """'raw' or 'qcow2': always stated, never probed by QEMU."""
    readonly_fd: str
    """Name of a descriptor opened read-only, e.g. 'disk/root/0/ro'. Always there."""
    readwrite_fd: str = ""
    """Name of one opened read-write; empty for a read-only layer."""
    block: bool = False
    """A block device (host_device) rather than a regular file."""


class PreparedDisk(Value):
    volume: str
    layers: tuple[Layer, ...]
    """Top first. One layer, or an overlay above its read-only base."""
    size: int
    """Bytes the guest will see."""
    direct: bool = False
    """All descriptors were opened with O_DIRECT (QEMU matches the flag): cache 'none'."""
    aio: str = "threads"
    """'native', 'io_uring' or 'threads', probed by the system call, allowed by `direct`."""
    readonly: bool = False
    iso: bool = False
    """A made or given ISO 9660 image: no discard."""
    preallocated: bool = False
    """Every block allocated: discard would undo what the user paid for."""
    made: tuple[str, ...] = ()
    """Paths that exist for this VM only and are deleted with it."""


class PreparedBoot(Value):
    """Kernel boot: names of descriptors; QEMU opens them as /proc/self/fd/N."""

    kernel_fd: str = ""
    initrd_fd: str = ""


class PreparedFirmware(Value):
    """UEFI: code and variables as layers' descriptors (pflash)."""

    code_fd: str = ""
    code_format: str = "raw"
    vars_fd: str = ""
    """Read-write, a copy of the template in run_dir, or the persistent one in state_dir."""
    secure: bool = False


class Prepared(Value):
    disks: Mapping[str, PreparedDisk] = dataclasses.field(default_factory=dict)
    """By volume name; volumes that are no disks (e.g. downwardMetrics channel) are absent."""
    boot: PreparedBoot | None = None
    firmware: PreparedFirmware | None = None
    tpm_dir: str = ""
    """State folder of swtpm, made with mode 0700; empty without a TPM."""
    warnings: tuple[str, ...] = ()
