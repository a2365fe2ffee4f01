"""buildah, podman or docker, whichever is there: a Containerfile becomes an image."""

from __future__ import annotations

import enum
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

_NO_MOUNT = "skip_mount_home=true"
"""Else the store stays mounted on itself, and its folder cannot be removed."""


class EngineError(Exception):
    """There is no builder, or it could not build; the message has its last words."""


class Engine(enum.StrEnum):
    """What builds images."""

    BUILDAH = "buildah"
    PODMAN = "podman"
    DOCKER = "docker"

    @classmethod
    def installed(cls) -> Engine:
        """The first that is installed; raises EngineError."""
        for engine in cls:
            if shutil.which(engine):
                return engine
        raise EngineError("none of buildah, podman and docker is here; 'make setup' installs one")

    def command(self, store: Path) -> list[str]:
        """Its first words: buildah, which nobody uses beside us, keeps its images in `store`."""
        match self:
            case Engine.BUILDAH:
                roots = ("--root", str(store / "root"), "--runroot", str(store / "run"))
                options = ("--storage-driver=overlay", f"--storage-opt=overlay.{_NO_MOUNT}")
                return ["buildah", *options, *roots]
            case Engine.PODMAN | Engine.DOCKER:
                return [self.value]
            case _:
                assert_never(self)

    @property
    def build_options(self) -> tuple[str, ...]:
        """Layers that are known are not built again, and files have no times of their own."""
        match self:
            case Engine.BUILDAH | Engine.PODMAN:
                return ("--layers", "--timestamp=0")
            case Engine.DOCKER:
                return ("--build-arg=SOURCE_DATE_EPOCH=0",)
            case _:
                assert_never(self)

    def source(self, image: str, store: Path) -> str:
        """The image in the words of skopeo."""
        match self:
            case Engine.BUILDAH:
                where = f"overlay@{store / 'root'}+{store / 'run'}:overlay.{_NO_MOUNT}"
                return f"containers-storage:[{where}]{image}"
            case Engine.PODMAN:
                return f"containers-storage:{image}"
            case Engine.DOCKER:
                return f"docker-daemon:{image}"
            case _:
                assert_never(self)


class Builder:
    """An engine at work, with its images in `store`."""

    def __init__(self, engine: Engine, store: Path) -> None:
        self._engine = engine
        self._store = store

    def build(
        self, image: str, containerfile: Path, context: Path, arguments: Mapping[str, str]
    ) -> None:
        """Build `image` (NAME:TAG). Raises EngineError."""
        values = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        options = (*self._engine.build_options, *values)
        self._run("build", *options, f"--tag={image}", f"--file={containerfile}", str(context))

    def prune(self) -> None:
        """Remove what no image has any more: layers of earlier builds, and of broken-off ones."""
        match self._engine:
            case Engine.BUILDAH:
                self._run("rm", "--all")
                self._run("rmi", "--prune")
            case Engine.PODMAN | Engine.DOCKER:
                pass  # Their images are not only ours.
            case _:
                assert_never(self._engine)

    def has(self, image: str) -> bool:
        """Whether `image` (NAME:TAG) was built before."""
        return bool(self._run("images", "--quiet", f"--filter=reference={image}"))

    def identity(self, image: str) -> str:
        """The digest of what the image is, as 64 hex digits."""
        return self._run("images", "--no-trunc", "--format={{.ID}}", image).strip()[-64:]

    def megabytes(self, image: str) -> float:
        """The size of its layers, unpacked."""
        said = self._run("images", "--format={{.Size}}", image)
        return megabytes(said)

    def source(self, image: str) -> str:
        """The image in the words of skopeo."""
        return self._engine.source(image, self._store)

    def _run(self, *words: str) -> str:
        command = [*self._engine.command(self._store), *words]
        done = subprocess.run(
            command,
            # chroot: no runtime, no daemon and no second network are needed to run a step.
            env={**os.environ, "BUILDAH_ISOLATION": "chroot"},
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise EngineError(f"{' '.join(command)}: {done.stderr.strip()[-4000:]}")
        return done.stdout


def megabytes(size: str) -> float:
    """The number in what engines print for people: '227 MB', '1.2GB'. Raises EngineError."""
    found = re.fullmatch(r"([\d.]+) ?([kMG]?)i?B", size.strip())
    if found is None:
        raise EngineError(f"{size!r} is no size")
    return float(found[1]) * {"": 1e-6, "k": 1e-3, "M": 1, "G": 1e3}[found[2]]
