"""How disks, volumes and interfaces meet: names that must match, and the boot order."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.disks import Disk
from ..core.vmi import VirtualMachineInstanceSpec
from ..core.volumes import Volume
from ..violation import Violation
from .causes import duplicate, invalid, required
from .path import Path


def disk_volumes(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    volumes = {volume.name: volume for volume in spec.volumes}
    for index, disk in enumerate(spec.domain.devices.disks):
        path = (field / "domain" / "devices" / "disks").at(index)
        volume = volumes.get(disk.name)
        if volume is not None:
            yield from _target_of_volume(path, disk, volume)
        elif disk.cdrom is None:
            yield invalid(path / "name", f"{path}.Name '{disk.name}' not found.")
        elif not config.enabled("DeclarativeHotplugVolumes"):
            yield invalid(
                path / "name",
                "DeclarativeHotplugVolumes feature gate not enabled, "
                "cannot define an empty CD-ROM disk",
            )


def volume_disks(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    """For running VMs only: nothing would show the volume to the guest."""
    devices = spec.domain.devices
    shown = {disk.name for disk in devices.disks} | {one.name for one in devices.filesystems}
    for index, volume in enumerate(spec.volumes):
        if volume.memory_dump is None and volume.name not in shown:
            path = (field / "domain" / "volumes").at(index) / "name"
            yield invalid(path, f"{path} '{volume.name}' not found.")


def boot_order(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    devices = field / "domain" / "devices"
    taken: set[int] = set()
    for index, disk in enumerate(spec.domain.devices.disks):
        yield from _place((devices / "disks").at(index), disk.boot_order, taken)
    for index, interface in enumerate(spec.domain.devices.interfaces):
        path = (devices / "interfaces").at(index)
        if interface.boot_order is not None and interface.boot_order < 1:
            yield invalid(path / "bootOrder", f"{path} must have a boot order > 0, if supplied")
        else:
            yield from _place(path, interface.boot_order, taken)


def distinct_claims(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    """Ours: two writers on one claim destroy it, or QEMU's locks refuse the second."""
    disks = {disk.name: disk for disk in spec.domain.devices.disks}
    first: dict[str, Path] = {}
    for index, volume in enumerate(spec.volumes):
        path, disk = (field / "volumes").at(index), disks.get(volume.name)
        claim = _written_claim(volume)
        if claim is None or disk is None or disk.shareable or disk.cdrom is not None:
            continue
        if first.setdefault(claim, path) != path:
            yield duplicate(
                path,
                f"{path} and {first[claim]} must not use the same claim "
                "unless their disks are shareable.",
            )


def _target_of_volume(path: Path, disk: Disk, volume: Volume) -> Iterator[Violation]:
    is_claim = volume.persistent_volume_claim is not None or volume.data_volume is not None
    if disk.lun is not None and not is_claim:
        yield invalid(
            path / "lun",
            f"{path}.lun can only be mapped to a DataVolume or PersistentVolumeClaim volume.",
        )
    if volume.downward_metrics is None:
        return
    if disk.disk is None:
        yield required(
            path / "disk",
            f"DownwardMetrics volume must be mapped to a disk, but disk is not set on {path}.disk.",
        )
    elif disk.disk.bus not in ("", "virtio"):
        yield invalid(
            path / "disk" / "bus",
            "DownwardMetrics volume must be mapped to virtio bus, "
            f"but {path}.disk.bus is set to {disk.disk.bus}",
        )


def _place(path: Path, order: int | None, taken: set[int]) -> Iterator[Violation]:
    if order is None or order < 1:
        return
    if order in taken:
        yield invalid(
            path / "bootOrder",
            f"Boot order for {path}.bootOrder already set for a different device.",
        )
    taken.add(order)


def _written_claim(volume: Volume) -> str | None:
    if volume.data_volume is not None:
        return volume.data_volume.name
    claim = volume.persistent_volume_claim
    return claim.claim_name if claim is not None and not claim.read_only else None
