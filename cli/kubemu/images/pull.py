"""From an image's name to an unpacked root: ask for the digest, copy, unpack, keep."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import platform
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..errors import BadImage, ImageError
from ..locks import lock
from ..tasks import task_group
from . import layers
from .progress import Meter, measure
from .reference import Reference
from .skopeo import Skopeo
from .store import Image, Store

_POLL = 0.2
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_INDEXES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)


class PullPolicy(StrEnum):
    ALWAYS = "always"
    """Ask the registry each time; pull what is not here yet."""
    MISSING = "missing"
    """Ask only when that name was never pulled."""
    NEVER = "never"

    @classmethod
    def of_manifest(cls, text: str) -> PullPolicy:
        """imagePullPolicy; anything else was refused by validation."""
        return {"Always": cls.ALWAYS, "Never": cls.NEVER}.get(text, cls.MISSING)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wanted:
    """One image that a VM needs."""

    source: str
    """skopeo's name of it."""
    name: str
    """What the user called it."""
    reference: Reference | None = None
    """For an image in a registry; None for one in a file."""
    policy: PullPolicy = PullPolicy.ALWAYS
    login: bytes = dataclasses.field(default=b"", repr=False)
    """Content of a config.json with the registry's login, from the manifest's imagePullSecret."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pulled:
    image: Image
    root: Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Found:
    """What is to be copied: exactly this manifest."""

    source: str
    digest: str
    size: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Puller:
    store: Store
    skopeo: Skopeo
    meter: Meter

    async def pull(self, wanted: Wanted) -> Pulled:
        """The image's unpacked root, from the cache where the policy allows. ImageError."""
        known = self.store.find_digest(self.skopeo.place(wanted.source, wanted.reference))
        if wanted.policy is not PullPolicy.ALWAYS and (image := self.store.find(known)):
            return Pulled(image=image, root=self.store.root(image.digest))
        if wanted.policy is PullPolicy.NEVER:
            raise ImageError(
                f"{wanted.name} is not in the cache, and pulling is turned off",
                hint="--pull missing",
            )
        with self.skopeo.logged_in(wanted.login) as skopeo:
            return await dataclasses.replace(self, skopeo=skopeo)._ask_and_copy(wanted)

    async def _ask_and_copy(self, wanted: Wanted) -> Pulled:
        found = await self._find(wanted)
        async with lock(self.store.lock_folder(found.digest)):
            image = self.store.find(found.digest) or await self._copy(wanted, found)
        self.store.remember(self.skopeo.place(wanted.source, wanted.reference), image.digest)
        return Pulled(image=image, root=self.store.root(image.digest))

    async def _find(self, wanted: Wanted) -> _Found:
        """The manifest for this machine; a list of manifests is one step further."""
        source = wanted.source
        raw = await self.skopeo.manifest(source, wanted.reference)
        manifest = _parse(raw, wanted.name)
        if manifest.get("mediaType") in _INDEXES or "manifests" in manifest:
            if wanted.reference is None:
                # skopeo picks the platform when it copies; a file cannot change in between.
                return _Found(source=source, digest=_digest(raw), size=0)
            source = wanted.reference.pinned(_for_this_machine(manifest, wanted.name))
            raw = await self.skopeo.manifest(source, wanted.reference)
            manifest = _parse(raw, wanted.name)
        if wanted.reference is not None:
            source = wanted.reference.pinned(_digest(raw))
        size = sum(_size(layer) for layer in manifest.get("layers") or ())
        return _Found(source=source, digest=_digest(raw), size=size)

    async def _copy(self, wanted: Wanted, found: _Found) -> Image:
        with self.store.work() as work:
            layout, root = work / "layout", work / "root"
            self.meter.start(wanted.name, found.size)
            async with task_group() as tasks:
                watcher = tasks.create_task(self._watch(wanted.name, layout))
                await self.skopeo.copy(found.source, layout, wanted.reference)
                watcher.cancel()
            self.meter.unpack(wanted.name)
            root.mkdir(mode=0o755)
            image = await asyncio.to_thread(_unpack, layout, root, wanted, found.digest)
            self.store.keep(image, root)
            self.meter.finish(wanted.name)
            return image

    async def _watch(self, name: str, layout: Path) -> None:
        while True:
            await asyncio.sleep(_POLL)
            self.meter.advance(name, measure(layout))


def _unpack(folder: Path, root: Path, wanted: Wanted, digest: str) -> Image:
    try:
        layout = layers.open_layout(folder)
        layers.unpack(layout, root)
    except ImageError as error:
        raise type(error)(f"{wanted.name}: {error.message}", hint=error.hint) from error
    return Image(source=wanted.name, digest=digest, config=layout.config)


def _for_this_machine(index: dict[str, Any], name: str) -> str:
    machine = platform.machine()
    wanted = ("linux", _ARCHITECTURES.get(machine, machine))
    for entry in index.get("manifests") or ():
        system = entry.get("platform") or {}
        if (system.get("os"), system.get("architecture")) == wanted:
            return str(entry.get("digest"))
    raise ImageError(f"{name} has no image for {'/'.join(wanted)}")


def _parse(raw: bytes, name: str) -> dict[str, Any]:
    try:
        tree = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadImage(f"{name}: the manifest is no JSON") from error
    if not isinstance(tree, dict):
        raise BadImage(f"{name}: the manifest is no JSON object")
    if tree.get("schemaVersion") == 1:
        raise BadImage(f"{name}: has a manifest of schema 1", hint="push it again with new tools")
    return tree


def _digest(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _size(layer: Any) -> int:
    size = layer.get("size") if isinstance(layer, dict) else None
    return size if isinstance(size, int) else 0
