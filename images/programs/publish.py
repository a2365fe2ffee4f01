"""Images built and put where pods can pull them.

Each is pushed under two tags: the one people know it by, and one that is its content, which a
manifest can name and no node has in another form.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from images import packing
from images.cache import exclusive, say
from kubemucluster import cluster as clusters
from kubemucluster import images as cluster_images

from . import base, context
from .engine import Builder
from .names import Program

PREFIX = "kubemu"
TAG = "devel"

Push = Callable[[str, str], str]
"""Push the image that skopeo knows by the first name as the second, NAME:TAG; its reference."""


def to_cluster(name: str = "kubemu") -> Push:
    """Into the registry of the local cluster. Raises ClusterError when there is none."""
    layout = clusters.required(name).layout

    def push(source: str, image: str) -> str:
        reference = f"{cluster_images.REGISTRY}/{PREFIX}/{image}"
        cluster_images.copy(layout, source, reference)
        return reference

    return push


def to_registry(address: str) -> Push:
    """Into somebody's registry, `HOST[:PORT][/PREFIX]`. Raises packing.PushError."""

    def push(source: str, image: str) -> str:
        reference = f"{address}/{image}"
        packing.copy(source, reference)
        return reference

    return push


def publish_program(program: Program, builder: Builder, cache: Path, push: Push) -> tuple[str, str]:
    """Build and push one of our programs' images; its references, the one by content last.

    Raises BaseError, ContextError, EngineError, and what `push` raises.
    """
    image = f"localhost/{PREFIX}/{program}:{TAG}"
    with exclusive(cache / "programs" / ".lock"):
        build(program, image, builder, cache)
        say(f"{program}: {builder.size(image)} unpacked, at most {program.megabytes} MB")
        source, content = builder.source(image), builder.identity(image)[:16]
        return push(source, f"{program}:{TAG}"), push(source, f"{program}:{content}")


def build(program: Program, image: str, builder: Builder, cache: Path) -> None:
    """Make the image in the builder's store; what did not change is not made again."""
    debian = base.context(cache)
    debian_image = f"localhost/{PREFIX}/{debian.name.replace('-', ':')}"
    if not builder.has(debian_image):
        builder.build(debian_image, debian / "Containerfile", debian, {})
    with tempfile.TemporaryDirectory(prefix="context-", dir=cache / "programs") as name:
        context.make(program, Path(name), cache)
        containerfile = Path(name) / "Containerfile"
        builder.build(image, containerfile, Path(name), {"BASE": debian_image})
    builder.prune()


def publish_guest(guest: packing.ImageName, cache: Path, push: Push) -> str:
    """Build and push a guest's image; its reference. Raises PackageError, and what `push` does."""
    return push(f"oci:{packing.layout(guest, cache)}", f"{guest}:{TAG}")
