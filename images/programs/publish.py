"""Images built and put where pods can pull them.

Each is pushed under two tags: the one people know it by, and one that is its content, which a
manifest can name and no node has in another form.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from images import packing
from images.cache import cache_root, exclusive, say
from images.guests.packages import PackageError
from kubemucluster import cluster as clusters
from kubemucluster import images as cluster_images
from kubemucluster.errors import ClusterError

from . import base, context
from .engine import Builder, Engine, EngineError
from .names import Program

FAILURES = (
    *(base.BaseError, context.ContextError, EngineError, PackageError),
    *(packing.PushError, ClusterError, OSError),
)
"""What can go wrong in here; each says in a sentence what it is."""
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


def to_kind(cluster: str) -> Push:
    """Onto the nodes of a cluster of kind, under the names that the local cluster has for them.

    Raises PushError.
    """

    def push(source: str, image: str) -> str:
        reference = f"{cluster_images.REGISTRY}/{PREFIX}/{image}"
        with tempfile.TemporaryDirectory() as folder:
            archive = f"{folder}/image.tar"
            copy = ("skopeo", "--insecure-policy", "copy", "--quiet")
            _run(*copy, source, f"docker-archive:{archive}:{reference}")
            _run("kind", "load", "image-archive", f"--name={cluster}", archive)
        return reference

    return push


def publish(
    image: Program | packing.ImageName, push: Push, cache: Path | None = None
) -> tuple[str, ...]:
    """Build what is not built and push it; its references, the one by content last.

    A guest has only the tag that people know. Raises FAILURES, or what `push` raises.
    """
    root = cache or cache_root()
    if isinstance(image, packing.ImageName):
        return (push(f"oci:{packing.layout(image, root)}", f"{image}:{TAG}"),)
    builder = Builder(Engine.installed(), root / "programs" / "store")
    with exclusive(root / "programs" / ".lock"):
        name = build(image, builder, root)
        _check_size(image, builder.megabytes(name))
        source, content = builder.source(name), builder.identity(name)[:16]
        return push(source, f"{image}:{TAG}"), push(source, f"{image}:{content}")


def make(image: Program | packing.ImageName, cache: Path | None = None) -> None:
    """Build what is not built, and push nothing. Raises what `publish` raises."""
    root = cache or cache_root()
    if isinstance(image, packing.ImageName):
        packing.layout(image, root)
        return
    with exclusive(root / "programs" / ".lock"):
        build(image, Builder(Engine.installed(), root / "programs" / "store"), root)


def build(program: Program, builder: Builder, cache: Path) -> str:
    """Make the image in the builder's store and return its name there.

    What did not change is not made again.
    """
    name = f"localhost/{PREFIX}/{program}:{TAG}"
    debian = base.context(cache)
    debian_name = f"localhost/{PREFIX}/{debian.name.replace('-', ':')}"
    if not builder.has(debian_name):
        builder.build(debian_name, debian / "Containerfile", debian, {})
    with tempfile.TemporaryDirectory(prefix="context-", dir=cache / "programs") as folder:
        context.make(program, Path(folder), cache)
        builder.build(name, Path(folder) / "Containerfile", Path(folder), {"BASE": debian_name})
    builder.prune()
    return name


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise packing.PushError(f"{' '.join(command)}: {done.stderr.strip()}")


def _check_size(program: Program, size: float) -> None:
    text = f"{program}: {size:.0f} MB unpacked; the budget is {program.megabytes} MB"
    if size > program.megabytes:
        raise EngineError(text)
    say(text)
