"""OCI images by the standard library: one layer of chosen files, the same digest every time.

Format: the OCI image specification, image-layout.md, manifest.md and config.md.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO

# The user that KubeVirt's image contract wants for disks, and that our launcher runs as.
QEMU_UID = 107

_MEDIA = "application/vnd.oci.image"
_CREATED = "1970-01-01T00:00:00Z"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Image:
    """What an image holds and how it runs; paths are absolute inside the image."""

    files: Mapping[str, Path]
    uid: int = QEMU_UID
    # Group and others may not read a disk: the pod's user owns it.
    mode: int = 0o440
    user: str = ""
    entrypoint: tuple[str, ...] = ()
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    # A qcow2 is compressed already; gzip is worth its time for raw disks and programs.
    compress: bool = False
    architecture: str = "amd64"


def container_disk(disk: Path, name: str | None = None, *, compress: bool = False) -> Image:
    """An image for a containerDisk volume: one file below /disk, owned by 107."""
    return Image(files={f"/disk/{name or disk.name}": disk}, compress=compress)


def kernel_boot(kernel: Path, initrd: Path) -> Image:
    """An image for `kernelBoot.container`, with the paths that KubeVirt's demo image has."""
    return Image(files={"/boot/vmlinuz-virt": kernel, "/boot/initramfs-virt": initrd})


def write_layout(image: Image, folder: Path, reference: str | None = None) -> str:
    """Write an OCI layout into a new folder and return the manifest's digest (`sha256:…`).

    `reference` (`[REGISTRY/]NAME:TAG`) names the image inside the layout, for importers.
    Raises FileExistsError when the folder exists, and OSError when a file cannot be read.
    """
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    layer, diff_id = _write_layer(image, blobs)
    config = _write_json(_config(image, diff_id), blobs, f"{_MEDIA}.config.v1+json")
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_MEDIA}.manifest.v1+json",
        "config": config,
        "layers": [layer],
    }
    descriptor = _write_json(manifest, blobs, f"{_MEDIA}.manifest.v1+json")
    named = descriptor | _platform(image) | _names(reference)
    index = {
        "schemaVersion": 2,
        "mediaType": f"{_MEDIA}.index.v1+json",
        "manifests": [named],
    }
    (folder / "index.json").write_bytes(_json(index))
    (folder / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
    return str(descriptor["digest"])


def write_archive(image: Image, archive: Path, reference: str | None = None) -> str:
    """Write an OCI archive (a layout in a tar file) and return the manifest's digest."""
    with tempfile.TemporaryDirectory(dir=archive.parent) as name:
        layout = Path(name) / "layout"
        digest = write_layout(image, layout, reference)
        with tarfile.open(archive, "w") as tar:
            for path in sorted(layout.rglob("*")):
                tar.add(path, str(path.relative_to(layout)), recursive=False, filter=_anonymous)
    return digest


def _write_layer(image: Image, blobs: Path) -> tuple[dict[str, object], str]:
    """The layer's descriptor, and the digest of its uncompressed form."""
    unfinished = blobs / "layer"
    with unfinished.open("wb") as file:
        outer = _Hashing(file)
        if image.compress:
            with gzip.GzipFile("", "wb", 6, outer, mtime=0) as packed:
                inner = _Hashing(packed)
                _write_tar(image, inner)
        else:
            inner = outer
            _write_tar(image, inner)
    unfinished.rename(blobs / outer.digest.hexdigest())
    kind = f"{_MEDIA}.layer.v1.tar" + ("+gzip" if image.compress else "")
    return _descriptor(kind, outer.digest.hexdigest(), outer.size), (
        f"sha256:{inner.digest.hexdigest()}"
    )


def _write_tar(image: Image, out: _Hashing) -> None:
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for folder in _folders(image):
            tar.addfile(_member(folder, image, tarfile.DIRTYPE, 0o755))
        for name, source in sorted(image.files.items()):
            member = _member(PurePosixPath(name), image, tarfile.REGTYPE, image.mode)
            with source.open("rb") as content:
                member.size = content.seek(0, io.SEEK_END)
                content.seek(0)
                tar.addfile(member, content)


def _folders(image: Image) -> list[PurePosixPath]:
    parents = {parent for name in image.files for parent in PurePosixPath(name).parents}
    return sorted(parents - {PurePosixPath("/"), PurePosixPath(".")})


def _member(path: PurePosixPath, image: Image, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(str(path).lstrip("/"))
    member.type, member.mode = kind, mode
    member.uid = member.gid = image.uid
    return member


def _config(image: Image, diff_id: str) -> dict[str, object]:
    runtime = {
        "User": image.user,
        "Entrypoint": list(image.entrypoint),
        "Labels": dict(image.labels),
    }
    return {
        "created": _CREATED,
        "architecture": image.architecture,
        "os": "linux",
        "config": {key: value for key, value in runtime.items() if value},
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": _CREATED, "created_by": "kubemu images"}],
    }


def _platform(image: Image) -> dict[str, object]:
    return {"platform": {"architecture": image.architecture, "os": "linux"}}


def _names(reference: str | None) -> dict[str, object]:
    if reference is None:
        return {}
    tag = reference.rpartition("/")[2].partition(":")[2] or "latest"
    return {
        "annotations": {
            "io.containerd.image.name": reference,
            "org.opencontainers.image.ref.name": tag,
        }
    }


def _write_json(value: Mapping[str, object], blobs: Path, kind: str) -> dict[str, object]:
    data = _json(value)
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return _descriptor(kind, digest, len(data))


def _descriptor(kind: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": size}


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


class _Hashing(io.RawIOBase):
    """A writer that counts and digests what passes through."""

    def __init__(self, out: BinaryIO | gzip.GzipFile) -> None:
        self._out = out
        self.digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._out.write(data)
        self.digest.update(data)
        self.size += len(data)
        return len(data)
