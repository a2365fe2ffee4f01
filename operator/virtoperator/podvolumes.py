"""A VMI's volumes in its launcher's pod: what is mounted, where, and what the launcher is told.

The controller renders the pod from this and the handler fills `Facts.volumes` from it, so that the
two can never disagree about a path. Pure; volumes that need nothing in the pod (emptyDisk,
cloud-init in clear text) do not appear.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from virtlauncher.facts import Source, SourceKind

Json = dict[str, Any]
VOLUMES_DIR = "/var/lib/kubemu/volumes"
DEVICES_DIR = "/var/lib/kubemu/devices"
KERNEL = "kernelBoot"
_LABEL = 63
"""Characters of a pod volume's name."""
_READABLE = 0o440
"""Files of projected volumes: for the group, which fsGroup makes the launcher's."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Claim:
    """What we must know of a PersistentVolumeClaim."""

    name: str
    block: bool = False
    size: int | None = None
    """Bytes of the disk.img to make when there is none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PodVolume:
    """One volume of the pod, and how the launcher finds it."""

    key: str
    """Its key in `Facts.volumes`."""
    volume: Json
    """Entry of the pod's `spec.volumes`."""
    path: str
    """Where `compute` has it: a folder, or for a block claim the device."""
    readonly: bool
    claim: Claim | None = None
    file: str = ""
    """The one file in the folder that matters (hostDisk)."""

    @property
    def block(self) -> bool:
        """Whether the handler opens it: uid 107 may not."""
        return self.claim is not None and self.claim.block

    @property
    def mount(self) -> Json:
        """Entry of the container's `volumeMounts`; of `volumeDevices` for a block claim."""
        if self.block:
            return {"name": self.volume["name"], "devicePath": self.path}
        mount: Json = {"name": self.volume["name"], "mountPath": self.path}
        return {**mount, "readOnly": True} if self.readonly else mount

    @property
    def source(self) -> Source:
        """What the launcher is told. A block claim's descriptors are called KEY/ro and KEY/rw."""
        if self.block:
            modes = ("ro",) if self.readonly else ("ro", "rw")
            names = tuple(f"{self.key}/{mode}" for mode in modes)
            return Source(kind=SourceKind.FD, fds=names, readonly=self.readonly)
        size = self.claim.size if self.claim else None
        if self.file:
            path = f"{self.path}/{self.file}"
            return Source(kind=SourceKind.FILE, path=path, readonly=self.readonly, size=size)
        return Source(kind=SourceKind.DIR, path=self.path, readonly=self.readonly, size=size)


def pod_volumes(vmi: Json, claims: Mapping[str, Claim]) -> list[PodVolume]:
    """What the pod of this (valid, defaulted) VMI needs. `claims` by name; one that is missing
    counts as a filesystem of unknown size."""
    spec = vmi["spec"]
    found = [one for volume in spec.get("volumes") or () for one in _of_volume(volume, claims)]
    found += _credentials(spec.get("accessCredentials") or ())
    boot = (spec["domain"].get("firmware") or {}).get("kernelBoot") or {}
    if container := boot.get("container"):
        found.append(_image(KERNEL, "kernel-boot", container))
    return found


def claim_names(vmi: Json) -> list[str]:
    """Names of the claims that a VMI's volumes use, in order, each once."""
    names = [name for volume in vmi["spec"].get("volumes") or () if (name := _claim_name(volume))]
    return list(dict.fromkeys(names))


def _claim_name(volume: Json) -> str:
    if claim := volume.get("persistentVolumeClaim"):
        return str(claim["claimName"])
    if data_volume := volume.get("dataVolume"):
        return str(data_volume["name"])
    ephemeral = volume.get("ephemeral") or {}
    return str((ephemeral.get("persistentVolumeClaim") or {}).get("claimName", ""))


def _of_volume(volume: Json, claims: Mapping[str, Claim]) -> Iterator[PodVolume]:
    name = volume["name"]
    if disk := volume.get("containerDisk"):
        yield _image(name, name, disk)
    elif claim := _claim_name(volume):
        source = volume.get("persistentVolumeClaim") or {}
        readonly = "ephemeral" in volume or bool(source.get("readOnly"))
        yield _claim(name, claims.get(claim, Claim(name=claim)), readonly)
    elif host := volume.get("hostDisk"):
        yield _host_disk(name, host)
    elif seed := volume.get("cloudInitNoCloud") or volume.get("cloudInitConfigDrive"):
        yield from _seed(name, seed)
    elif content := _content(volume):
        yield _folder(name, name, content)


def _content(volume: Json) -> Json | None:
    """The pod's volume for one whose files become a disk; None for any other kind."""
    if source := volume.get("configMap"):
        return {"configMap": _config_map(source)}
    if source := volume.get("secret"):
        return {"secret": _secret(source["secretName"], bool(source.get("optional")))}
    if source := volume.get("sysprep"):
        if secret := source.get("secret"):
            return {"secret": _secret(secret["name"])}
        return {"configMap": _config_map(source["configMap"])}
    if source := volume.get("downwardAPI"):
        items = source.get("fields") or []
        return {"downwardAPI": {"items": items, "defaultMode": _READABLE}}
    if "serviceAccount" in volume:
        return {"projected": {"sources": _account_sources(), "defaultMode": _READABLE}}
    return None


def _account_sources() -> list[Json]:
    """What the kubelet puts into every pod that has a token."""
    namespace = {"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}
    return [
        {"serviceAccountToken": {"path": "token"}},
        {
            "configMap": {
                "name": "kube-root-ca.crt",
                "items": [{"key": "ca.crt", "path": "ca.crt"}],
            }
        },
        {"downwardAPI": {"items": [namespace]}},
    ]


def _image(key: str, name: str, disk: Json) -> PodVolume:
    image = {"reference": disk["image"]}
    if policy := disk.get("imagePullPolicy"):
        image["pullPolicy"] = policy
    volume = {"name": _label(name), "image": image}
    return PodVolume(key=key, volume=volume, path=f"{VOLUMES_DIR}/{name}", readonly=True)


def _claim(name: str, claim: Claim, readonly: bool) -> PodVolume:
    reference: Json = {"claimName": claim.name}
    if readonly:
        reference["readOnly"] = True
    return PodVolume(
        key=name,
        volume={"name": _label(name), "persistentVolumeClaim": reference},
        path=f"{DEVICES_DIR if claim.block else VOLUMES_DIR}/{name}",
        readonly=readonly,
        claim=claim,
    )


def _host_disk(name: str, host: Json) -> PodVolume:
    folder, _, file = host["path"].rpartition("/")
    kind = "Directory" if host.get("type") == "Disk" else "DirectoryOrCreate"
    return PodVolume(
        key=name,
        volume={"name": _label(name), "hostPath": {"path": folder or "/", "type": kind}},
        path=f"{VOLUMES_DIR}/{name}",
        readonly=False,
        file=file,
    )


def _seed(name: str, seed: Json) -> Iterator[PodVolume]:
    for field, key, suffix in (
        ("secretRef", "userdata", "udata"),
        ("networkDataSecretRef", "networkdata", "ndata"),
    ):
        if reference := seed.get(field):
            content = {"secret": _secret(reference["name"])}
            yield _folder(f"{name}/{key}", f"{name}-{suffix}", content)


def _credentials(credentials: list[Json] | tuple[()]) -> Iterator[PodVolume]:
    for index, credential in enumerate(credentials):
        kind = credential.get("sshPublicKey") or credential.get("userPassword") or {}
        if secret := (kind.get("source") or {}).get("secret"):
            content = {"secret": _secret(secret["secretName"])}
            yield _folder(f"accessCredentials/{index}", f"access-cred-{index}", content)


def _folder(key: str, name: str, content: Json) -> PodVolume:
    volume = {"name": _label(name), **content}
    return PodVolume(key=key, volume=volume, path=f"{VOLUMES_DIR}/{name}", readonly=True)


def _secret(name: str, optional: bool = False) -> Json:
    secret: Json = {"secretName": name, "defaultMode": _READABLE}
    return {**secret, "optional": True} if optional else secret


def _config_map(source: Json) -> Json:
    reference: Json = {"name": source["name"], "defaultMode": _READABLE}
    return {**reference, "optional": True} if source.get("optional") else reference


def _label(name: str) -> str:
    """A pod volume's name: a DNS label, told apart by a hash where it has to be cut."""
    if len(name) <= _LABEL:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _LABEL - 9]}-{digest}"
