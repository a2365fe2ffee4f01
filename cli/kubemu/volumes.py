"""Where each volume of a VM has its bytes on this machine: `Facts.volumes`, and images to pull."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from virtcrds import VirtualMachineInstance
from virtlauncher.errors import Unsupported
from virtlauncher.facts import Source, SourceKind

from .contents import Contents, Files
from .errors import BadInput
from .images.pull import Wanted
from .sources import TRANSPORTS, Given, local_source, wanted_image

KERNEL = "kernelBoot"
_CLUSTER_ONLY = {
    "service_account": "serviceAccount",
    "downward_api": "downwardAPI",
    "container_path": "containerPath",
    "memory_dump": "memoryDump",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class VolumePlan:
    """Values only: nothing is pulled or written yet."""

    sources: Mapping[str, Source]
    images: Mapping[str, Wanted]
    """By the same keys; the source is the pulled root."""
    contents: Mapping[str, Files]
    """By the same keys; the source is the folder they are written to."""


@dataclasses.dataclass
class _Draft:
    sources: dict[str, Source] = dataclasses.field(default_factory=dict)
    images: dict[str, Wanted] = dataclasses.field(default_factory=dict)
    contents: dict[str, Files] = dataclasses.field(default_factory=dict)
    used: set[str] = dataclasses.field(default_factory=set)


def refuse_cluster_volumes(vmi: VirtualMachineInstance) -> None:
    """Raises Unsupported for a volume that only a cluster can fill."""
    for index, volume in enumerate(vmi.spec.volumes):
        for attribute, field in _CLUSTER_ONLY.items():
            if getattr(volume, attribute) is not None:
                raise Unsupported(
                    "only a cluster can give this volume its content",
                    field=f"spec.volumes[{index}].{field}",
                    hint="remove the volume and its disk to run the VM here",
                )


def plan_volumes(vmi: VirtualMachineInstance, given: Given, contents: Contents) -> VolumePlan:
    """Raises BadInput and Unsupported, naming the field."""
    refuse_cluster_volumes(vmi)
    draft = _Draft()
    for index, volume in enumerate(vmi.spec.volumes):
        _Volume(volume, f"spec.volumes[{index}]", given, contents, draft).plan()
    for key, files in _credentials(vmi, contents):
        draft.contents[key] = files
    kernel = _kernel(vmi, given, contents, draft)
    if kernel is not None:
        draft.images[KERNEL] = kernel
    for name in given.paths.keys() - draft.used:
        names = ", ".join(volume.name for volume in vmi.spec.volumes) or "none"
        raise BadInput(
            f"the VM has no volume {name!r} that takes a path",
            where="--volume",
            hint=f"its volumes: {names}",
        )
    return VolumePlan(sources=draft.sources, images=draft.images, contents=draft.contents)


@dataclasses.dataclass(frozen=True)
class _Volume:
    """One volume, and what is known while it is planned."""

    volume: Any
    field: str
    given: Given
    contents: Contents
    draft: _Draft

    def plan(self) -> None:
        volume = self.volume
        if volume.container_disk is not None:
            self._image()
        elif (claim := volume.persistent_volume_claim) is not None:
            self._claim("persistentVolumeClaim", claim.claim_name, claim.read_only)
        elif volume.data_volume is not None:
            self._claim("dataVolume", volume.data_volume.name, False)
        elif volume.ephemeral is not None:
            claim = volume.ephemeral.persistent_volume_claim
            self._claim("ephemeral", claim.claim_name if claim else "", True)
        elif volume.host_disk is not None:
            self._host_disk()
        else:
            self._contents()

    def _contents(self) -> None:
        volume, name = self.volume, self.volume.name
        if volume.config_map is not None:
            self._config_map(volume.config_map.name, "configMap", bool(volume.config_map.optional))
        elif volume.secret is not None:
            source = volume.secret
            self._secret(source.secret_name, name, "secret", bool(source.optional))
        elif volume.sysprep is not None:
            if volume.sysprep.secret is not None:
                self._secret(volume.sysprep.secret.name, name, "sysprep.secret")
            elif volume.sysprep.config_map is not None:
                self._config_map(volume.sysprep.config_map.name, "sysprep.configMap")
        elif volume.cloud_init_no_cloud is not None:
            self._cloud_init(volume.cloud_init_no_cloud, "cloudInitNoCloud")
        elif volume.cloud_init_config_drive is not None:
            self._cloud_init(volume.cloud_init_config_drive, "cloudInitConfigDrive")

    def _path(self, *names: str) -> str:
        for name in names:
            if name in self.given.paths:
                self.draft.used.add(name)
                return self.given.paths[name]
        return ""

    def _image(self) -> None:
        disk, name = self.volume.container_disk, self.volume.name
        path = self._path(name)
        if path and not path.startswith(TRANSPORTS):
            self.draft.sources[name] = local_source(path, readonly=True)
        else:
            field = f"{self.field}.containerDisk"
            self.draft.images[name] = wanted_image(path, disk, self.given, self.contents, field)

    def _claim(self, kind: str, claim: str, readonly: bool) -> None:
        path = self._path(self.volume.name, claim)
        if not path:
            raise BadInput(
                f"nothing says where the claim {claim!r} is on this machine",
                where=f"{self.field}.{kind}",
                hint=f"--volume {self.volume.name}=PATH (a folder with disk.img, a file, a device)",
            )
        self.draft.sources[self.volume.name] = local_source(
            path, readonly=readonly, size=self.given.claim_sizes.get(claim)
        )

    def _host_disk(self) -> None:
        disk = self.volume.host_disk
        path = self._path(self.volume.name) or disk.path
        size = disk.capacity.value if disk.capacity is not None else None
        self.draft.sources[self.volume.name] = Source(
            kind=SourceKind.FILE, path=str(Path(path).absolute()), size=size
        )

    def _cloud_init(self, source: Any, field: str) -> None:
        name = self.volume.name
        if source.secret_ref is not None:
            self._secret(source.secret_ref.name, f"{name}/userdata", f"{field}.secretRef")
        if source.network_data_secret_ref is not None:
            self._secret(
                source.network_data_secret_ref.name,
                f"{name}/networkdata",
                f"{field}.networkDataSecretRef",
            )

    def _secret(self, secret: str, key: str, field: str, optional: bool = False) -> None:
        self.draft.contents[key] = _files(
            "Secret", secret, self.contents.secrets, f"{self.field}.{field}", optional
        )

    def _config_map(self, name: str, field: str, optional: bool = False) -> None:
        self.draft.contents[self.volume.name] = _files(
            "ConfigMap", name, self.contents.config_maps, f"{self.field}.{field}", optional
        )


def _credentials(vmi: VirtualMachineInstance, contents: Contents) -> Iterator[tuple[str, Files]]:
    for index, credential in enumerate(vmi.spec.access_credentials):
        for kind, field in (
            (credential.ssh_public_key, "sshPublicKey"),
            (credential.user_password, "userPassword"),
        ):
            if kind is not None and kind.source.secret is not None:
                where = f"spec.accessCredentials[{index}].{field}.source.secret"
                yield (
                    f"accessCredentials/{index}",
                    _files("Secret", kind.source.secret.secret_name, contents.secrets, where),
                )


def _kernel(
    vmi: VirtualMachineInstance, given: Given, contents: Contents, draft: _Draft
) -> Wanted | None:
    firmware = vmi.spec.domain.firmware
    boot = firmware.kernel_boot if firmware is not None else None
    if boot is None or boot.container is None:
        return None
    container, path = boot.container, given.paths.get(KERNEL, "")
    if path:
        draft.used.add(KERNEL)
        if not path.startswith(TRANSPORTS):
            draft.sources[KERNEL] = local_source(path, readonly=True)
            return None
    field = "spec.domain.firmware.kernelBoot.container"
    return wanted_image(path, container, given, contents, field)


def _files(
    kind: str, name: str, known: Mapping[str, Files], field: str, optional: bool = False
) -> Files:
    if name in known:
        return known[name]
    if optional:
        return {}
    raise BadInput(
        f"there is no {kind} {name!r} in the manifest's file",
        where=field,
        hint="standalone, all documents that belong together are in one file",
    )
