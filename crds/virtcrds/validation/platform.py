"""The machine: architecture, mainboard, and devices that only some architectures have."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from ..clusterconfig import ClusterConfig
from ..core.devices import Watchdog
from ..core.disks import Disk
from ..core.vmi import VirtualMachineInstanceSpec
from ..violation import Violation
from .causes import invalid, not_supported
from .path import Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Platform:
    """What one architecture's guests can have."""

    video: tuple[str, ...]
    watchdog: str = ""
    """The one watchdog, by its field; empty: none."""
    watchdog_complaint: str
    disk_buses: tuple[str, ...] = ()
    """Empty: all."""
    cpu_models: tuple[str, ...] = ()
    """Empty: all."""
    sound: bool = True
    bios: bool = True


_PLATFORMS: Mapping[str, _Platform] = MappingProxyType(
    {
        "amd64": _Platform(
            video=("vga", "cirrus", "virtio", "ramfb", "bochs"),
            watchdog="i6300esb",
            watchdog_complaint="amd64 only supports I6300ESB watchdog device",
        ),
        "arm64": _Platform(
            video=("virtio", "ramfb"),
            watchdog_complaint="Arm64 not support Watchdog device",
            disk_buses=("virtio", "scsi"),
            cpu_models=("host-passthrough",),
            sound=False,
            bios=False,
        ),
        "s390x": _Platform(
            video=("virtio",),
            watchdog="diag288",
            watchdog_complaint="s390x only supports Diag288 watchdog device",
        ),
    }
)


def architecture(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    if spec.architecture and spec.architecture not in _PLATFORMS:
        yield invalid(field / "architecture", f"unsupported architecture: {spec.architecture}")


def machine_type(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    machine = spec.domain.machine
    if machine is None or not machine.type:
        return
    allowed = config.machines(spec.architecture)
    if not any(fnmatch.fnmatchcase(machine.type, pattern) for pattern in allowed):
        path = field / "domain" / "machine" / "type"
        yield invalid(
            path,
            f"{path} is not supported: {machine.type} (allowed values: [{' '.join(allowed)}])",
        )


def architecture_devices(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    """Devices that the architecture does not have."""
    platform = _PLATFORMS.get(spec.architecture)
    if platform is None:
        return
    path, devices = field / "domain" / "devices", spec.domain.devices
    if devices.watchdog is not None and _watchdogs(devices.watchdog) != [platform.watchdog]:
        yield not_supported(path / "watchdog", platform.watchdog_complaint)
    if devices.video is not None and devices.video.type not in platform.video:
        yield not_supported(
            path / "video" / "type",
            f"video model '{devices.video.type}' is not supported "
            f"on {spec.architecture} architecture",
        )
    if devices.sound is not None and not platform.sound:
        yield not_supported(path / "sound", "Arm64 not support sound device")
    for index, disk in enumerate(devices.disks):
        yield from _disk_bus((path / "disks").at(index), disk, platform)


def architecture_boot(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    """Firmware and CPU models that the architecture does not have."""
    platform, cpu = _PLATFORMS.get(spec.architecture), spec.domain.cpu
    if platform is None:
        return
    if platform.cpu_models and cpu is not None and cpu.model not in ("", *platform.cpu_models):
        yield not_supported(
            field / "domain" / "cpu" / "model",
            f"currently, {platform.cpu_models[0]} is the only model supported on Arm64",
        )
    bootloader = spec.domain.firmware.bootloader if spec.domain.firmware is not None else None
    if platform.bios or bootloader is None:
        return
    path = field / "domain" / "firmware" / "bootloader"
    if bootloader.bios is not None:
        yield not_supported(
            path / "bios", "Arm64 does not support bios boot, please change to uefi boot"
        )
    if bootloader.efi is not None and bootloader.efi.secure_boot is not False:
        yield not_supported(
            path / "efi" / "secureboot",
            "UEFI secure boot is currently not supported on aarch64 Arch",
        )


def _watchdogs(watchdog: Watchdog) -> list[str]:
    return [name for name in ("i6300esb", "diag288") if getattr(watchdog, name) is not None]


def _disk_bus(path: Path, disk: Disk, platform: _Platform) -> Iterator[Violation]:
    if not platform.disk_buses:
        return
    for name in ("disk", "cdrom", "lun"):
        target = getattr(disk, name)
        if target is not None and target.bus not in ("", *platform.disk_buses):
            yield not_supported(
                path / name / "bus",
                "Arm64 not support this disk bus type, please use virtio or scsi",
            )
