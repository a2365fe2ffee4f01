"""Disks: how each one is attached, and what the guest sees of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.disks import CustomBlockSize, Disk
from ..core.vmi import VirtualMachineInstanceSpec
from ..violation import Violation
from .causes import invalid, not_supported
from .interfaces import PCI_ADDRESS
from .kubenames import label_complaints
from .path import Path

MAX_SERIAL = 256
SERIAL = re.compile("[A-Za-z0-9_.+-]+")

_BUSES = ("virtio", "scsi", "sata", "usb")
_CACHES = ("", "none", "writethrough", "writeback")
_IO_MODES = ("", "native", "threads")
_ERROR_POLICIES = ("stop", "ignore", "report", "enospace")
_TRAYS = ("", "open", "closed")
_MIN_BLOCK = 512
_MAX_BLOCK = 2 << 20


def bus_of(disk: Disk) -> str:
    """The bus of whichever target the disk has; empty when it is left open."""
    target = disk.disk or disk.lun or disk.cdrom
    return target.bus if target is not None else ""


def disks(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    listed, path = spec.domain.devices.disks, field / "domain" / "devices" / "disks"
    if len(listed) > config.max_disks:
        yield invalid(path, f"{path} list exceeds the {config.max_disks} element limit in length")
    first: dict[str, int] = {}
    for index, disk in enumerate(listed):
        here = path.at(index)
        if first.setdefault(disk.name, index) != index:
            other = path.at(first[disk.name])
            yield invalid(here / "name", f"{here} and {other} must not have the same Name.")
        yield from _target(here, disk)
        yield from _bus(here, disk)
        yield from serial_violations(here, here / "serial", disk.serial)
        yield from _modes(path, here, disk)
        for complaint in label_complaints(disk.name):
            # A disk's name becomes that of a volume and of a container in the pod.
            yield invalid(here / "name", complaint)
        yield from _block_size(here / "blockSize", disk)


def serial_violations(what: str, path: Path, serial: str) -> Iterator[Violation]:
    """`what` is whom KubeVirt names in the sentence: the disk, or the field itself."""
    if not serial:
        return
    if len(serial) > MAX_SERIAL:
        yield invalid(
            path, f"{what} must be less than or equal to {MAX_SERIAL} in length, if specified"
        )
    if not SERIAL.fullmatch(serial):
        yield invalid(
            path,
            f"{what} must be made up of the following characters [A-Za-z0-9_.+-], if specified",
        )


def _target(path: Path, disk: Disk) -> Iterator[Violation]:
    if sum(target is not None for target in (disk.disk, disk.lun, disk.cdrom)) > 1:
        yield invalid(path, f"{path} can only have a single target type defined")
    if disk.boot_order is not None and disk.boot_order < 1:
        yield invalid(path / "bootOrder", f"{path} must have a boot order > 0, if supplied")
    if disk.disk is not None and (address := disk.disk.pci_address):
        where = path / "disk" / "pciAddress"
        if disk.disk.bus != "virtio":
            yield invalid(
                where,
                f"disk {path}.name - setting a PCI address is only possible with bus type virtio.",
            )
        if not PCI_ADDRESS.fullmatch(address):
            yield invalid(where, f"disk {path}.name has malformed PCI address ({address}).")


def _bus(path: Path, disk: Disk) -> Iterator[Violation]:
    bus = bus_of(disk)
    kind = "disk" if disk.disk is not None else "lun" if disk.lun is not None else "cdrom"
    where = path / kind / "bus"
    if bus == "ide":
        yield invalid(where, "IDE bus is not supported")
    elif bus and bus not in _BUSES:
        yield invalid(
            where,
            f"{path} is set with an unrecognized bus {bus}, must be one of: [{' '.join(_BUSES)}]",
        )
    elif bus == "virtio" and kind == "cdrom":
        yield invalid(where, f"Bus type {bus} is invalid for CD-ROM device")
    elif bus == "sata" and disk.disk is not None and disk.disk.readonly:
        yield invalid(where, f"{bus} hard-disks do not support read-only.")
    if disk.dedicated_io_thread and bus not in ("", "virtio"):
        yield not_supported(path, f"IOThreads are not supported for disks on a {bus} bus")
    if disk.lun is not None and disk.lun.reservation and bus != "scsi":
        yield invalid(where, f"Persistent reservation requires a SCSI bus, but {bus} was specified")


def _modes(all_disks: Path, path: Path, disk: Disk) -> Iterator[Violation]:
    if disk.cache not in _CACHES:
        yield invalid(path / "cache", f"{path}.cache has invalid value {disk.cache}")
    if disk.io not in _IO_MODES:
        yield not_supported(
            path / "io",
            f"Disk IO mode for {all_disks} is not supported. Supported modes are: native, threads.",
        )
    if disk.error_policy is not None and disk.error_policy not in _ERROR_POLICIES:
        yield invalid(
            path / "errorPolicy", f'{path}.errorPolicy has invalid value "{disk.error_policy}"'
        )
    if disk.shareable and disk.cache == "writethrough":
        yield invalid(path / "cache", "a sharable disk requires cache = none got: writethrough")
    if disk.cdrom is not None and disk.cdrom.tray not in _TRAYS:
        yield invalid(
            path / "cdrom" / "tray", f"{path}.cdrom.tray has invalid value {disk.cdrom.tray}"
        )


def _block_size(path: Path, disk: Disk) -> Iterator[Violation]:
    size = disk.block_size
    if size is None or size.custom is None:
        return
    if size.match_volume is not None and size.match_volume.enabled is not False:
        yield invalid(path, "Block size matching can't be enabled together with a custom value")
    else:
        yield from _custom_block_size(path / "custom", size.custom, bus_of(disk))


def _custom_block_size(path: Path, size: CustomBlockSize, bus: str) -> Iterator[Violation]:
    logical, physical, discard = size.logical, size.physical, size.discard_granularity
    if logical > physical:
        yield invalid(
            path / "logical",
            f"Logical size {logical} must be the same or less than the physical size of {physical}",
        )
    elif bus == "sata" and logical != _MIN_BLOCK:
        # QEMU's IDE and AHCI disks know sectors of 512 bytes only.
        yield invalid(
            path / "logical", f"Logical size {logical} must be {_MIN_BLOCK} for SATA devices"
        )
    elif discard is not None and logical and discard % logical:
        yield invalid(
            path / "discardGranularity",
            f"Discard granularity {discard} must be multiples of logical size {logical}",
        )
    else:
        yield from _block(path / "logical", logical)
        yield from _block(path / "physical", physical)


def _block(path: Path, size: int) -> Iterator[Violation]:
    if size < _MIN_BLOCK:
        yield invalid(
            path,
            f"Provided size of {size} is less than the supported minimum size of {_MIN_BLOCK}",
        )
    elif size > _MAX_BLOCK:
        yield invalid(
            path,
            f"Provided size of {size} is greater than the supported maximum size of {_MAX_BLOCK}",
        )
    elif size & (size - 1):
        yield invalid(path, f"Provided size of {size} is not a power of 2")
