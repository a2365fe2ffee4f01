"""Volumes: one source each, with what the source needs."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.vmi import VirtualMachineInstanceSpec
from ..core.volumes import HostDisk, Volume
from ..quantity import Quantity
from ..violation import Violation
from .causes import invalid, not_found, required
from .filepaths import path_violations
from .path import Path

_PULL_POLICIES = ("", "Always", "Never", "IfNotPresent")
_DISK, _DISK_OR_CREATE = "Disk", "DiskOrCreate"
_AT_MOST_ONE = (
    ("service_account", "serviceAccount"),
    ("downward_metrics", "downwardMetric"),
    ("memory_dump", "memory dump"),
)
_GATED = (
    (
        "downward_metrics",
        "DownwardMetrics",
        "downwardMetrics disks are not allowed: DownwardMetrics feature gate is not enabled.",
    ),
    ("host_disk", "HostDisk", "HostDisk feature gate is not enabled"),
    ("container_path", "ContainerPathVolumes", "ContainerPathVolumes feature gate is not enabled"),
)


def volumes(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    path = field / "volumes"
    first: dict[str, int] = {}
    for index, volume in enumerate(spec.volumes):
        here = path.at(index)
        if first.setdefault(volume.name, index) != index:
            other = path.at(first[volume.name])
            yield invalid(here / "name", f"{here} and {other} must not have the same Name.")
        yield from _sources(here, volume, config)
    for attribute, name in _AT_MOST_ONE:
        if sum(getattr(volume, attribute) is not None for volume in spec.volumes) > 1:
            yield invalid(path, f"{path} must have max one {name} volume set")


def volume_files(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    """What each source says of files, sizes and images."""
    for index, volume in enumerate(spec.volumes):
        path = (field / "volumes").at(index)
        if volume.container_disk is not None:
            yield from _container_disk(path / "containerDisk", volume)
        if volume.host_disk is not None:
            yield from _host_disk(path / "hostDisk", volume.host_disk)
        if volume.container_path is not None:
            where = path / "containerPath" / "path"
            yield from path_violations(where, volume.container_path.path)
        if volume.ephemeral is not None and volume.ephemeral.persistent_volume_claim is None:
            where = path / "ephemeral" / "persistentVolumeClaim"
            yield required(where, f"{where} is a required field")
        if (sysprep := volume.sysprep) is not None and (
            (sysprep.secret is None) == (sysprep.config_map is None)
        ):
            where = path / "sysprep"
            yield invalid(where, f"{where} must have exactly one source set")
        if volume.empty_disk is not None and volume.empty_disk.capacity <= Quantity(0):
            where = path / "emptyDisk" / "capacity"
            yield invalid(where, f"{where} '{volume.empty_disk.capacity}': must be greater than 0.")


def utility_volumes(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    path = field / "utilityVolumes"
    if spec.utility_volumes and not config.enabled("UtilityVolumes"):
        yield invalid(path, "UtilityVolumes feature gate is not enabled")
        return
    places = {volume.name: index for index, volume in enumerate(spec.volumes)}
    first: dict[str, int] = {}
    for index, volume in enumerate(spec.utility_volumes):
        here = path.at(index)
        if not volume.name:
            yield required(here / "name", "UtilityVolume 'name' must be set")
        if first.setdefault(volume.name, index) != index:
            other = path.at(first[volume.name])
            yield invalid(here / "name", f"{here} and {other} must not have the same Name.")
        if volume.name in places:
            other = (field / "volumes").at(places[volume.name])
            yield invalid(
                here / "name",
                f"{here} conflicts with {other}. UtilityVolume names must be unique "
                "across both volumes and utilityVolumes.",
            )
        if not volume.claim_name:
            yield required(here / "claimName", "UtilityVolume PVC 'claimName' must be set")


def sources_of(volume: Volume) -> list[str]:
    """The attributes of the sources that are set; a good volume has one."""
    names = [name for name in type(volume).model_fields if name != "name"]
    return [name for name in names if getattr(volume, name) is not None]


def _sources(path: Path, volume: Volume, config: ClusterConfig) -> Iterator[Violation]:
    if len(sources_of(volume)) != 1:
        yield invalid(path, f"{path} must have exactly one source type set")
    if volume.data_volume is not None and not volume.data_volume.name:
        yield required(path / "name", "DataVolume 'name' must be set")
    for attribute, gate, message in _GATED:
        if getattr(volume, attribute) is not None and not config.enabled(gate):
            yield invalid(path, message)


def _container_disk(path: Path, volume: Volume) -> Iterator[Violation]:
    source = volume.container_disk
    if source is None:
        return
    if not source.image:
        yield required(path / "image", f"{path}.image is a required field")
    if source.path or "path" in source.model_fields_set:
        yield from path_violations(path, source.path)
    if source.image_pull_policy not in _PULL_POLICIES:
        yield invalid(
            path / "imagePullPolicy",
            f"{path}.imagePullPolicy has invalid value {source.image_pull_policy}",
        )


def _host_disk(path: Path, source: HostDisk) -> Iterator[Violation]:
    if not source.path:
        yield not_found(path / "path", f"{path}.path is required for hostDisk volume")
    else:
        yield from path_violations(path / "path", source.path)
    if source.type not in (_DISK, _DISK_OR_CREATE):
        yield invalid(
            path / "type",
            f"{path}.type has invalid value '{source.type}', "
            f"allowed are '{_DISK}' or '{_DISK_OR_CREATE}'",
        )
    if source.type == _DISK and source.capacity:
        yield invalid(
            path / "capacity",
            f"{path}.capacity is allowed to pass only with {path}.type "
            f"equal to '{_DISK_OR_CREATE}'",
        )
    elif source.capacity is not None and source.capacity.value < 0:
        yield invalid(
            path / "capacity",
            f"{path}.capacity '{source.capacity}': must be greater than or equal to 0.",
        )
