"""The Go toolchain: the machine's own when it can build our modules, else one from PyPI.

A Go of 1.21 or newer fetches the very version that a go.mod names, through the module proxy; the
distributions' are often older, and then are of no use.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import tools
from .errors import NotPossible, StepFailed

_FOLDERS = ("", "/usr/local/go/bin")  # $PATH, and where Go's own installer puts it


@dataclass(frozen=True, kw_only=True)
class Go:
    """A Go that builds our modules."""

    program: str
    version: str
    """Of the toolchain that a module asks for, with operating system and architecture."""


def find(modules: Path, cache: Path, say: Callable[[str], None]) -> Go:
    """The first Go that can build the modules; installs one into the cache when there is none."""
    fallback = cache / "go"
    for folder in (*_FOLDERS, str(fallback / "bin")):
        found = _tried(modules, shutil.which("go", path=folder or None))
        if found:
            return found
    say("installing Go, once")
    try:
        _install(modules / "requirements.txt", fallback)
    except StepFailed as error:
        raise NotPossible(
            f"No Go on this machine builds Kubernetes, and installing one failed: {error.log}",
            hint="Install Go 1.26 or newer (go.dev/dl) so that `go version` works.",
        ) from error
    found = _tried(modules, str(fallback / "bin" / "go"))
    if found is None:
        raise NotPossible(f"The Go in {fallback} does not run.", hint=f"rm -r {fallback}")
    return found


def _tried(modules: Path, program: str | None) -> Go | None:
    """This Go, if it understands the modules and has or gets the toolchain they ask for."""
    if program is None:
        return None
    try:
        text = tools.run(
            [program, "env", "GOVERSION", "GOOS", "GOARCH"], folder=modules / "kubernetes"
        )
    except StepFailed:
        return None
    return Go(program=program, version=text.strip())


def _install(requirements: Path, target: Path) -> None:
    """pip checks the hash. A folder that was half made is made anew."""
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    tools.run([sys.executable, "-m", "venv", target])
    python = target / "bin" / "python"
    words = ("-m", "pip", "install", "--quiet", "--no-cache-dir", "--require-hashes", "-r")
    tools.run([python, *words, requirements])
