"""The images that the guests become, by their names in a registry, and how they get there."""

from __future__ import annotations

import enum
import ipaddress
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import assert_never

from . import oci
from .cache import cache_root, cached, digest_of, digest_of_files, say
from .guests import catalog


class PushError(Exception):
    """skopeo could not push; the message has its last words."""


class ImageName(enum.StrEnum):
    """Which image. KubeVirt's manifests know three of them by other names; see `aliases`."""

    TINY = "tiny"
    TINY_RAW = "tiny-raw"
    TINY_KERNEL = "tiny-kernel"
    CIRROS = "cirros"
    DEBIAN = "debian"

    @property
    def guest(self) -> catalog.GuestName:
        """The guest it is made from."""
        return catalog.GuestName(self.value.partition("-")[0])

    @property
    def aliases(self) -> tuple[str, ...]:
        """The names of KubeVirt's own test images that this one stands in for."""
        return _ALIASES.get(self, ())

    def contents(self, guest: catalog.Guest) -> oci.Image:
        """The image's files."""
        match self:
            case ImageName.TINY | ImageName.CIRROS | ImageName.DEBIAN:
                return oci.container_disk(guest.qcow2, f"{guest.name}.qcow2")
            case ImageName.TINY_RAW:
                return oci.container_disk(guest.raw, f"{guest.name}.img", compress=True)
            case ImageName.TINY_KERNEL:
                return oci.kernel_boot(guest.kernel, guest.initrd)
            case _:
                assert_never(self)


_ALIASES = {
    ImageName.TINY: ("alpine-container-disk-demo", "alpine-with-test-tooling-container-disk"),
    ImageName.TINY_KERNEL: ("alpine-ext-kernel-boot-demo",),
    ImageName.CIRROS: ("cirros-container-disk-demo", "cirros-custom-container-disk-demo"),
}


def layout(name: ImageName | str, cache: Path | None = None) -> Path:
    """The OCI layout of an image, from the cache or newly made (with its guest)."""
    image = ImageName(name)
    root = cache or cache_root()
    guest = catalog.build(image.guest, root)
    here = Path(__file__).parent
    sources = digest_of_files([here / "oci.py", here / "packing.py"], here)

    def write(folder: Path) -> None:
        folder.rmdir()
        oci.write_layout(image.contents(guest), folder, f"kubemu/{image}:devel")

    return cached(root / "layouts", image, digest_of(guest.folder.name, sources), write)


def push(source: Path, reference: str) -> None:
    """Push an OCI layout as `REGISTRY/NAME:TAG`. Plain HTTP only to this machine itself.

    Raises PushError with skopeo's last line.
    """
    copy(f"oci:{source}", reference, "--preserve-digests")


def copy(source: str, reference: str, *options: str) -> None:
    """`push` for an image in any place that skopeo can name."""
    registry = reference.partition("/")[0]
    verify = "false" if _is_loopback(registry) else "true"
    done = subprocess.run(
        [
            *("skopeo", "--insecure-policy", "copy", "--quiet", *options),
            *(f"--dest-tls-verify={verify}", source, f"docker://{reference}"),
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise PushError(f"{reference}: {done.stderr.strip().rpartition(chr(10))[2]}")


def publish(
    names: Iterable[ImageName | str],
    registry: str,
    *,
    prefix: str = "kubemu",
    tag: str = "devel",
    cache: Path | None = None,
) -> list[str]:
    """Build and push images; returns their references, `REGISTRY/PREFIX/NAME:TAG`."""
    references = []
    for name in map(ImageName, names):
        source = layout(name, cache)
        reference = f"{registry}/{prefix}/{name}:{tag}"
        say(f"pushing {reference}")
        push(source, reference)
        references.append(reference)
    return references


def pack(image: oci.Image, out: Path, reference: str | None = None) -> str:
    """Write an image as an archive when `out` ends in .tar, else as a layout; returns the digest.

    What was at `out` is replaced only when the new one is complete; a folder must be a layout.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pack-", dir=out.parent) as name:
        fresh = Path(name) / "new"
        if out.suffix == ".tar":
            digest = oci.write_archive(image, fresh, reference)
        else:
            digest = oci.write_layout(image, fresh, reference)
            if out.exists():
                if not (out / "oci-layout").is_file():
                    raise FileExistsError(f"{out} exists and is no OCI layout")
                out.rename(Path(name) / "old")
        fresh.rename(out)
    return digest


def _is_loopback(registry: str) -> bool:
    host = registry.rpartition(":")[0].strip("[]") or registry
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
