"""All devices that are neither disks nor interfaces."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.devices import GPU, Watchdog
from ..core.vmi import VirtualMachineInstanceSpec
from ..core.volumes import Volume
from ..violation import Violation
from .causes import invalid
from .path import Path

_SOUND_MODELS = ("", "ich9", "ac97")
_PANIC_MODELS = ("hyperv", "isa", "pvpanic")
_IO_THREADS_POLICIES = ("shared", "auto", "supplementalPool")
_WATCHDOG_ACTIONS = ("", "poweroff", "reset", "shutdown")
_MAX_IO_THREADS = 64
"""Ours: more threads than any host has use for."""


def inputs(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    for index, device in enumerate(spec.domain.devices.inputs):
        path = (field / "domain" / "devices" / "inputs").at(index)
        if device.bus not in ("", "virtio", "usb"):
            yield invalid(path / "bus", "Input device can have only virtio or usb bus.")
        if device.type != "tablet":
            yield invalid(path / "type", "Input device can have only tablet type.")


def io_threads(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    policy, threads = spec.domain.io_threads_policy, spec.domain.io_threads
    if policy is None:
        return
    if policy not in _IO_THREADS_POLICIES:
        yield invalid(field / "domain" / "ioThreadsPolicy", f"Invalid IOThreadsPolicy ({policy})")
    count = threads.supplemental_pool_thread_count if threads is not None else None
    path = field / "domain" / "ioThreads"
    if policy == "supplementalPool" and not count:
        yield invalid(
            path / "count",
            "the number of iothreads needs to be set and positive for the dedicated policy",
        )
    elif count is not None and count > _MAX_IO_THREADS:
        where = path / "supplementalPoolThreadCount"
        yield invalid(where, f"{where} '{count}': must be less than or equal to {_MAX_IO_THREADS}.")


def sound(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    device, path = spec.domain.devices.sound, field / "domain" / "devices" / "sound"
    if device is None:
        return
    if device.model not in _SOUND_MODELS:
        yield invalid(path, "Sound device type is not supported. Options: 'ich9' or 'ac97'")
    if not device.name:
        yield invalid(path, "Sound device requires a name field.")


def video(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    devices = spec.domain.devices
    if devices.video is not None and devices.autoattach_graphics_device is False:
        yield invalid(
            field / "domain" / "devices" / "video",
            "Video configuration is not allowed when autoattachGraphicsDevice is set to false",
        )


def panic_devices(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    path = field / "domain" / "devices" / "panicDevices"
    if spec.domain.devices.panic_devices and spec.architecture == "s390x":
        yield invalid(path, "custom panic devices are not supported on s390x architecture")
    for index, device in enumerate(spec.domain.devices.panic_devices):
        if device.model is not None and device.model not in _PANIC_MODELS:
            yield invalid(path.at(index) / "model", f"invalid PanicDeviceModel({device.model})")


def watchdog(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    device = spec.domain.devices.watchdog
    for kind, action in _actions(device) if device is not None else ():
        if action not in _WATCHDOG_ACTIONS:
            path = field / "domain" / "devices" / "watchdog" / kind / "action"
            yield invalid(path, f"{path} has invalid value {action}")


def host_devices(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    devices, path = spec.domain.devices, field / "domain" / "devices"
    if devices.host_devices and not config.enabled("HostDevices"):
        yield invalid(
            path / "hostDevices", "Host Devices feature gate is not enabled in kubevirt-config"
        )
    if sum(_shows_ramfb(gpu) for gpu in devices.gpus) > 1:
        # The blank at the end is KubeVirt's.
        yield invalid(path / "gpus", "configuring multiple displays with ramfb is not valid ")
    if devices.autoattach_vsock and not config.enabled("VSOCK"):
        yield invalid(
            path / "autoattachVSOCK", "VSOCK feature gate is not enabled in kubevirt-config"
        )
    if devices.downward_metrics is not None and not config.enabled("DownwardMetrics"):
        yield invalid(
            path / "downwardMetrics",
            "downwardMetrics virtio serial is not allowed: "
            "DownwardMetrics feature gate is not enabled",
        )


def filesystems(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    volumes = {volume.name: volume for volume in spec.volumes}
    path = field / "domain" / "devices" / "filesystems"
    for index, filesystem in enumerate(spec.domain.devices.filesystems):
        volume = volumes.get(filesystem.name)
        if volume is None:
            where = path.at(index) / "name"
            yield invalid(where, f"{where} '{filesystem.name}' not found.")
        elif _is_storage(volume) and not config.enabled("EnableVirtioFsStorageVolumes"):
            yield invalid(
                path, "virtiofs is not allowed: virtiofs feature gate is not enabled for PVC"
            )


def _actions(device: Watchdog) -> list[tuple[str, str]]:
    kinds = (("i6300esb", device.i6300esb), ("diag288", device.diag288))
    return [(name, kind.action) for name, kind in kinds if kind is not None]


def _shows_ramfb(gpu: GPU) -> bool:
    display = gpu.virtual_gpu_options.display if gpu.virtual_gpu_options is not None else None
    if display is None or display.enabled is False:
        return False
    return display.ram_fb is None or display.ram_fb.enabled is True


def _is_storage(volume: Volume) -> bool:
    return volume.persistent_volume_claim is not None or volume.data_volume is not None
