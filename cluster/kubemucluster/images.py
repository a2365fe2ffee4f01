"""The cluster's own images: a folder of files becomes one OCI layer, byte for byte reproducible.

They need no base image and no image builder; the tag is the content, so an image is pushed once.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import tools
from .layout import Layout
from .programs import cache

REGISTRY = "registry:5000"
"""The registry's name in every image reference, on the nodes and on the machine alike."""

_BUSYBOX = Path("/bin/busybox")
_APPLETS = ("sh", "cat", "mkdir", "rm", "ls", "sleep", "nc", "httpd", "id", "dd", "df", "mount")
_PAUSE = """
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int s) { (void)s; _exit(0); }
static void reap(int s) { (void)s; while (waitpid(-1, 0, WNOHANG) > 0) ; }
int main(void) {
    signal(SIGTERM, end); signal(SIGINT, end); signal(SIGCHLD, reap);
    for (;;) pause();
}
"""


@dataclass(frozen=True, kw_only=True)
class Image:
    """One small image: files by path, links by path, and what runs."""

    name: str
    files: Mapping[str, bytes]
    entrypoint: tuple[str, ...]
    links: Mapping[str, str]
    user: str = "0:0"

    @property
    def reference(self) -> str:
        """How pods name it."""
        return f"{REGISTRY}/kubemu/{self.name}:{self._tag}"

    @property
    def _tag(self) -> str:
        digest = hashlib.sha256(repr((self.entrypoint, sorted(self.links.items()))).encode())
        for path, data in sorted(self.files.items()):
            digest.update(path.encode() + b"\0" + data)
        return digest.hexdigest()[:16]


def own_images(programs: Mapping[str, Path]) -> dict[str, Image]:
    """The images that the cluster itself runs, by name."""

    def of_one(name: str, program: Path) -> Image:
        files = {name: program.read_bytes()}
        return Image(name=name, files=files, entrypoint=(f"/{name}",), links={})

    return {
        "pause": of_one("pause", _pause()),
        "coredns": of_one("coredns", programs["coredns"]),
        "local-path-provisioner": of_one(
            "local-path-provisioner", programs["local-path-provisioner"]
        ),
        "busybox": Image(
            name="busybox",
            files={"bin/busybox": _BUSYBOX.read_bytes()},
            links={f"bin/{applet}": "busybox" for applet in _APPLETS},
            entrypoint=("/bin/sh",),
        ),
    }


def push(layout: Layout, image: Image) -> None:
    """Puts an image into the registry unless it is there."""
    if has(layout, image.reference):
        return
    with tempfile.TemporaryDirectory() as work:
        _write_layout(Path(work), image)
        copy(layout, f"oci:{work}:image", image.reference)


def copy(layout: Layout, source: str, reference: str) -> None:
    """Copies any image skopeo can name into the registry as `registry:5000/...`."""
    path = reference.removeprefix(f"{REGISTRY}/")
    target = f"docker://{layout.ipv4}:{layout.registry_port}/{path}"
    policy = ["--insecure-policy", "copy", "-q", "--dest-tls-verify=false"]
    tools.run(["skopeo", *policy, source, target])


def has(layout: Layout, reference: str) -> bool:
    """Whether the registry has the image."""
    name, _, tag = reference.removeprefix(f"{REGISTRY}/").rpartition(":")
    url = f"http://{layout.ipv4}:{layout.registry_port}/v2/{name}/manifests/{tag}"
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=accept), timeout=10):
            return True
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return False
        raise


def _write_layout(folder: Path, image: Image) -> None:
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(kind: str, data: bytes) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}

    kind = "application/vnd.oci.image"
    layer = _layer(image)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": image.entrypoint, "User": image.user, "Env": ["PATH=/bin"]},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"],
        },
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{kind}.manifest.v1+json",
        "config": blob(f"{kind}.config.v1+json", json.dumps(config).encode()),
        "layers": [
            blob(f"{kind}.layer.v1.tar+gzip", gzip.compress(layer, compresslevel=1, mtime=0))
        ],
    }
    named = blob(f"{kind}.manifest.v1+json", json.dumps(manifest).encode())
    named["annotations"] = {"org.opencontainers.image.ref.name": "image"}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def _layer(image: Image) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        folders = {"tmp", *(str(Path(p).parent) for p in image.files)} - {"."}
        for folder in sorted(folders):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        for path, data in sorted(image.files.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
        for path, target in sorted(image.links.items()):
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return buffer.getvalue()


def _pause() -> Path:
    """The process that holds a pod's namespaces and reaps its orphans, built once."""
    path = cache() / "bin" / f"pause-{hashlib.sha256(_PAUSE.encode()).hexdigest()[:16]}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        tools.run(["gcc", "-xc", "-Os", "-static", "-s", "-o", fresh, "-"], text=_PAUSE)
        fresh.rename(path)
    return path
