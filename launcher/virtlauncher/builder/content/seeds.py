"""cloudInitNoCloud and cloudInitConfigDrive: gathering a seed's data and writing its disk.

What is gathered is secret: it goes into the image and nowhere else, no message has any of it.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Mapping, Sequence

from virtcrds.view import CloudInitSource, SSHPublicKeyPropagation

from ...facts import SourceKind
from ..tags import tagged_devices
from .cloudinit import CONFIG_DRIVE, NO_CLOUD, Seed, config_drive, no_cloud, public_keys
from .configs import iso_disk
from .job import Job, Make, Part
from .place import Place
from .projected import read_projected

_USER_KEYS = ("userdata", "userData")
_NETWORK_KEYS = ("networkdata", "networkData")


def no_cloud_disk(job: Job, part: Part) -> Make:
    source = part.volume.cloud_init_no_cloud
    assert source is not None
    seed = _seed(job, part, source, _keys(job, "no_cloud"))
    return iso_disk(job, part, NO_CLOUD, no_cloud(job.vmi, seed))


def config_drive_disk(job: Job, part: Part) -> Make:
    source = part.volume.cloud_init_config_drive
    assert source is not None
    seed = _seed(job, part, source, _keys(job, "config_drive"))
    seed = dataclasses.replace(seed, devices=tagged_devices(job.vmi, job.facts))
    return iso_disk(job, part, CONFIG_DRIVE, config_drive(job.vmi, seed))


def _seed(job: Job, part: Part, source: CloudInitSource, keys: Sequence[str]) -> Seed:
    user_files, network_files = _secrets(job, part, source)
    user = _inline(source.user_data, source.user_data_base64, "userData", part.place)
    network = _inline(source.network_data, source.network_data_base64, "networkData", part.place)
    if user is None:
        user = _pick(user_files, _USER_KEYS)
    if network is None:
        # One secret may hold both, as KubeVirt puts both into one folder.
        network = _pick({**user_files, **network_files}, _NETWORK_KEYS)
    _require(source, user, network, part.place)
    for name, data in (("user data", user), ("network data", network)):
        if data is not None and len(data) > job.limits.seed_bytes:
            raise part.place.bad(
                f"its {name} has {len(data)} bytes; more than {job.limits.seed_bytes} are not taken"
            )
    return Seed(
        user_data=user or b"",
        network_data=network,
        keys=keys,
        instance_type=job.facts.instance_type,
    )


def _secrets(
    job: Job, part: Part, source: CloudInitSource
) -> tuple[Mapping[str, bytes], Mapping[str, bytes]]:
    """The files of the secrets for user data and for network data."""
    files = []
    for reference, key in (
        (source.secret_ref, "userdata"),
        (source.network_data_secret_ref, "networkdata"),
    ):
        place = part.place
        if reference is not None:
            place = Place(field=place.field, subject=f"{place.subject}, secret '{reference.name}'")
            files.append(_read(job, f"{part.volume.name}/{key}", place))
        else:
            files.append({})
    return files[0], files[1]


def _require(
    source: CloudInitSource, user: bytes | None, network: bytes | None, place: Place
) -> None:
    """A secret that was named must hold something of what it was named for."""
    if source.secret_ref is not None and user is None and network is None:
        raise place.bad(f"secret '{source.secret_ref.name}' has no key 'userdata'")
    if source.network_data_secret_ref is not None and network is None:
        name = source.network_data_secret_ref.name
        raise place.bad(f"secret '{name}' has no key 'networkdata'")


def _keys(job: Job, method: str) -> list[str]:
    """SSH keys of the access credentials that propagate by *method*, an attribute's name."""
    keys: list[str] = []
    for index, credential in enumerate(job.vmi.spec.access_credentials):
        ssh = credential.ssh_public_key
        if ssh is None or not _propagates(ssh.propagation_method, method):
            continue
        secret = ssh.source.secret
        place = Place(
            field=f"spec.accessCredentials[{index}].sshPublicKey",
            subject=f"secret '{secret.secret_name}'" if secret is not None else "its secret",
        )
        for data in _read(job, f"accessCredentials/{index}", place).values():
            keys += public_keys(_text(data, place))
    return keys


def _propagates(propagation: SSHPublicKeyPropagation, method: str) -> bool:
    return getattr(propagation, method) is not None


def _read(job: Job, key: str, place: Place) -> dict[str, bytes]:
    source = job.source(key, place)
    if source.kind is not SourceKind.DIR:
        raise place.bad("its content is no folder")
    return read_projected(source.path, place, job.limits)


def _pick(files: Mapping[str, bytes], names: Sequence[str]) -> bytes | None:
    return next((files[name] for name in names if name in files), None)


def _inline(text: str, encoded: str, field: str, place: Place) -> bytes | None:
    if encoded:
        try:
            return base64.b64decode(encoded.replace("\r", "").replace("\n", ""), validate=True)
        except (binascii.Error, ValueError):
            # The chained error would carry a piece of the data.
            raise place.bad(f"{field}Base64 is not a valid base64 value") from None
    if not text:
        return None
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise place.bad(f"{field} is not valid Unicode") from None


def _text(data: bytes, place: Place) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise place.bad("an SSH key is not text") from None
