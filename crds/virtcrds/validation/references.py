"""Names of other objects: claims, Secrets, ConfigMaps, service accounts, images' logins.

A pod that carries such a name is refused by the API server when the name is none; here the
VM is refused before, with its own field. No name can lead out of a folder.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.vmi import VirtualMachineInstanceSpec
from ..core.volumes import CloudInitSource, Volume
from ..violation import Violation
from .causes import invalid
from .kubenames import subdomain_complaints
from .path import Path

_Names = Iterator[tuple[Path, str]]


def required_references(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    for path, name in _required(field, spec):
        if not name:
            yield invalid(path, f"{path} is a required field")
        else:
            yield from _is_name(path, name)


def optional_references(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    for path, name in _optional(field, spec):
        if name:
            yield from _is_name(path, name)


def service_account(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    """The pod has one service account: its own field and the volume's must agree."""
    for index, volume in enumerate(spec.volumes):
        account = volume.service_account
        name = spec.service_account_name
        if account is not None and name and account.service_account_name not in ("", name):
            path = (field / "volumes").at(index) / "serviceAccount" / "serviceAccountName"
            yield invalid(path, f"{path} must be equal to {field}.serviceAccountName '{name}'")


def _required(field: Path, spec: VirtualMachineInstanceSpec) -> _Names:
    for index, volume in enumerate(spec.volumes):
        yield from _volume((field / "volumes").at(index), volume)
    for index, credential in enumerate(spec.access_credentials):
        path = (field / "accessCredentials").at(index)
        for name, kind in (
            ("sshPublicKey", credential.ssh_public_key),
            ("userPassword", credential.user_password),
        ):
            if kind is not None and kind.source.secret is not None:
                where = path / name / "source" / "secret" / "secretName"
                yield where, kind.source.secret.secret_name


def _volume(path: Path, volume: Volume) -> _Names:
    if (claim := volume.persistent_volume_claim) is not None:
        yield path / "persistentVolumeClaim" / "claimName", claim.claim_name
    if (claim := volume.memory_dump) is not None:
        yield path / "memoryDump" / "claimName", claim.claim_name
    if volume.ephemeral is not None and volume.ephemeral.persistent_volume_claim is not None:
        name = volume.ephemeral.persistent_volume_claim.claim_name
        yield path / "ephemeral" / "persistentVolumeClaim" / "claimName", name
    if volume.config_map is not None:
        yield path / "configMap" / "name", volume.config_map.name
    if volume.secret is not None:
        yield path / "secret" / "secretName", volume.secret.secret_name
    if volume.service_account is not None:
        name = volume.service_account.service_account_name
        yield path / "serviceAccount" / "serviceAccountName", name


def _optional(field: Path, spec: VirtualMachineInstanceSpec) -> _Names:
    yield field / "serviceAccountName", spec.service_account_name
    yield field / "priorityClassName", spec.priority_class_name
    for index, volume in enumerate(spec.volumes):
        path = (field / "volumes").at(index)
        for name, seed in (
            ("cloudInitNoCloud", volume.cloud_init_no_cloud),
            ("cloudInitConfigDrive", volume.cloud_init_config_drive),
        ):
            if seed is not None:
                yield from _seed(path / name, seed)
        if volume.data_volume is not None:
            yield path / "dataVolume" / "name", volume.data_volume.name
        if volume.container_disk is not None:
            secret = volume.container_disk.image_pull_secret
            yield path / "containerDisk" / "imagePullSecret", secret
        if (sysprep := volume.sysprep) is not None:
            if sysprep.secret is not None:
                yield path / "sysprep" / "secret" / "name", sysprep.secret.name
            if sysprep.config_map is not None:
                yield path / "sysprep" / "configMap" / "name", sysprep.config_map.name


def _seed(path: Path, seed: CloudInitSource) -> _Names:
    if seed.secret_ref is not None:
        yield path / "secretRef" / "name", seed.secret_ref.name
    if seed.network_data_secret_ref is not None:
        yield path / "networkDataSecretRef" / "name", seed.network_data_secret_ref.name


def _is_name(path: Path, name: str) -> Iterator[Violation]:
    for complaint in subdomain_complaints(name):
        yield invalid(path, f"{path}: {complaint}")
