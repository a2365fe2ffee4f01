"""Cloud-init volumes: at most one source for user data and for network data, and their size."""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.vmi import VirtualMachineInstanceSpec
from ..core.volumes import CloudInitSource
from ..kubernetes.meta import LocalObjectReference
from ..violation import Violation
from .causes import invalid
from .path import Path

MAX_INLINE = 2048
"""Bytes: what is larger would travel to every node that watches the object."""


def cloud_init(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    for index, volume in enumerate(spec.volumes):
        path = (field / "volumes").at(index)
        if volume.cloud_init_no_cloud is not None:
            yield from _seed(path / "cloudInitNoCloud", volume.cloud_init_no_cloud)
        if volume.cloud_init_config_drive is not None:
            yield from _seed(path / "cloudInitConfigDrive", volume.cloud_init_config_drive)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Document:
    """User data or network data, in any of its three forms."""

    field: str
    """What its fields begin with."""
    several: str
    """KubeVirt's words for more than one source of it."""
    secret: LocalObjectReference | None
    encoded: str
    text: str

    @property
    def sources(self) -> int:
        secret = self.secret is not None and self.secret.name != ""
        return sum((secret, self.encoded != "", self.text != ""))


def _seed(path: Path, source: CloudInitSource) -> Iterator[Violation]:
    documents = (
        _Document(
            field="userData",
            several="userdatasource",
            secret=source.secret_ref,
            encoded=source.user_data_base64,
            text=source.user_data,
        ),
        _Document(
            field="networkData",
            several="networkdata source",
            secret=source.network_data_secret_ref,
            encoded=source.network_data_base64,
            text=source.network_data,
        ),
    )
    for document in documents:
        yield from _document(path, document)
    if not any(document.sources for document in documents):
        yield invalid(
            path, f"{path} must have at least one userdatasource or one networkdatasource set."
        )


def _document(path: Path, document: _Document) -> Iterator[Violation]:
    content = _decoded(document.encoded)
    if content is None:
        where = path / f"{document.field}Base64"
        kind = path.rpartition(".")[2]
        # The doubled path is KubeVirt's.
        yield invalid(where, f"{where}.{kind}.{document.field}Base64 is not a valid base64 value.")
    if document.sources > 1:
        yield invalid(path, f"{path} must have only one {document.several} set.")
    size = max(len(content or b""), len(document.text.encode(errors="replace")))
    if size > MAX_INLINE:
        reference = f"{document.field[0].upper()}{document.field[1:]}SecretRef"
        yield invalid(
            path,
            f"{path} {document.field.lower()} exceeds {MAX_INLINE} byte limit. "
            f"Should use {reference} for larger data.",
        )


def _decoded(encoded: str) -> bytes | None:
    """None when it is no base64. Line ends are ignored, as KubeVirt ignores them."""
    try:
        return base64.b64decode(encoded.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        return None
