"""SSH keys and passwords: where they come from and how they reach the guest."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.credentials import SSHPublicKeyCredential, UserPasswordCredential
from ..core.vmi import VirtualMachineInstanceSpec
from ..violation import Violation
from .causes import invalid
from .path import Path


def access_credentials(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    for index, credential in enumerate(spec.access_credentials):
        path = (field / "accessCredentials").at(index)
        keys, passwords = credential.ssh_public_key, credential.user_password
        if keys is not None:
            yield from _volume_needed(path, keys, spec)
            yield from _users_needed(path, keys)
        for name, kind in (("sshPublicKey", keys), ("userPassword", passwords)):
            if kind is not None:
                yield from _one_of_each(path, path / name, kind)
        if (keys is None) == (passwords is None):
            yield invalid(path, f"{path} must have exactly one access credential type set")


def _volume_needed(
    path: Path, keys: SSHPublicKeyCredential, spec: VirtualMachineInstanceSpec
) -> Iterator[Violation]:
    method = keys.propagation_method
    no_cloud = any(volume.cloud_init_no_cloud is not None for volume in spec.volumes)
    config_drive = any(volume.cloud_init_config_drive is not None for volume in spec.volumes)
    for name, chosen, there in (
        ("noCloud", method.no_cloud is not None, no_cloud),
        ("configDrive", method.config_drive is not None, config_drive),
    ):
        if chosen and not there:
            yield invalid(
                path / "sshPublicKey" / "propagationMethod",
                f"{path} requires a {name} volume to exist "
                f"when the {name} propagationMethod is in use.",
            )


def _users_needed(path: Path, keys: SSHPublicKeyCredential) -> Iterator[Violation]:
    agent = keys.propagation_method.qemu_guest_agent
    if agent is not None and not agent.users:
        yield invalid(
            path / "sshPublicKey" / "propagationMethod" / "qemuGuestAgent" / "users",
            f"{path} requires at least one user to be present in the users list",
        )


def _one_of_each(
    path: Path, kind_path: Path, kind: SSHPublicKeyCredential | UserPasswordCredential
) -> Iterator[Violation]:
    if kind.source.secret is None:
        yield invalid(kind_path / "source", f"{path} must have exactly one source set")
    method = kind.propagation_method
    methods = [getattr(method, name) for name in type(method).model_fields]
    if sum(chosen is not None for chosen in methods) != 1:
        yield invalid(
            kind_path / "propagationMethod",
            f"{path} must have exactly one propagationMethod set",
        )
