"""Networks and disks: the ones nobody named, and what was left open about the others."""

from __future__ import annotations

from ..base import Empty
from ..clusterconfig import ClusterConfig
from ..core.disks import CDRomTarget, Disk, DiskTarget
from ..core.interfaces import Interface
from ..core.networks import Network, PodNetwork
from ..core.vmi import VirtualMachineInstanceSpec
from ..core.volumes import Volume
from .evolve import evolve, filled


def pull_policies(
    spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> VirtualMachineInstanceSpec:
    """A moving tag is pulled always, a fixed one when it is not there."""
    return evolve(spec, volumes=tuple(_with_pull_policy(volume) for volume in spec.volumes))


def default_network(
    spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> VirtualMachineInstanceSpec:
    """The pod's network, when nothing is said about networks at all."""
    devices = spec.domain.devices
    if devices.autoattach_pod_interface is False or spec.networks or devices.interfaces:
        return spec
    masquerade = config.default_network_interface == "masquerade"
    interface = (
        Interface(name="default", masquerade=Empty())
        if masquerade
        else Interface(name="default", bridge=Empty())
    )
    devices = evolve(devices, interfaces=(interface,))
    return evolve(
        spec,
        networks=(Network(name="default", pod=PodNetwork()),),
        domain=evolve(spec.domain, devices=devices),
    )


def default_disks(
    spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> VirtualMachineInstanceSpec:
    """A disk for every volume that has none and that the guest is to see."""
    devices = spec.domain.devices
    shown = {disk.name for disk in devices.disks} | {one.name for one in devices.filesystems}
    names = dict.fromkeys(volume.name for volume in spec.volumes if volume.memory_dump is None)
    added = tuple(Disk(name=name) for name in names if name not in shown)
    if not added:
        return spec
    devices = evolve(devices, disks=(*devices.disks, *added))
    return evolve(spec, domain=evolve(spec.domain, devices=devices))


def disk_targets(
    spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> VirtualMachineInstanceSpec:
    """A disk is a disk unless it says otherwise; a CD-ROM is read-only and closed."""
    devices = spec.domain.devices
    disks = tuple(_with_target(disk) for disk in devices.disks)
    return evolve(spec, domain=evolve(spec.domain, devices=evolve(devices, disks=disks)))


def disk_buses(
    spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> VirtualMachineInstanceSpec:
    """SATA works in every guest of amd64; the others have no such controller."""
    bus = "sata" if spec.architecture in ("", "amd64") else "virtio"
    devices = spec.domain.devices
    disks = tuple(_with_bus(disk, bus) for disk in devices.disks)
    return evolve(spec, domain=evolve(spec.domain, devices=evolve(devices, disks=disks)))


def _with_pull_policy(volume: Volume) -> Volume:
    source = volume.container_disk
    if source is None or source.image_pull_policy:
        return volume
    moving = source.image.endswith(":latest") or not set(source.image) & {":", "@"}
    policy = "Always" if moving else "IfNotPresent"
    return evolve(volume, container_disk=evolve(source, image_pull_policy=policy))


def _with_target(disk: Disk) -> Disk:
    if disk.cdrom is not None:
        return evolve(disk, cdrom=_closed(disk.cdrom))
    if disk.disk is None and disk.lun is None:
        return evolve(disk, disk=DiskTarget())
    return disk


def _closed(cdrom: CDRomTarget) -> CDRomTarget:
    return filled(cdrom, {"readonly": True, "tray": "closed"})


def _with_bus(disk: Disk, bus: str) -> Disk:
    changes = {
        name: filled(target, {"bus": bus})
        for name in ("disk", "lun", "cdrom")
        if (target := getattr(disk, name)) is not None
    }
    return evolve(disk, **changes)
