"""What a Containerfile copies: a folder with Python packages, made from this tree and uv.lock.

dependencies/  wheels of the package index, pinned by hash, for the image's Python, unpacked
code/          our own wheels, unpacked
commands/      their console scripts
and the files beside the Containerfile. No file in it has a time of its own: the same inputs are
the same context, and the builder's cache knows it again.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from images.cache import cached, digest_of

from .names import Program

PYTHON = "3.13"
"""Of Debian trixie."""
PLATFORM = "x86_64-manylinux_2_28"

_ROOT = Path(__file__).parents[2]
_COMMAND = """\
#!/usr/bin/python3 -I
import sys

from {module} import {name}

sys.exit({name}())
"""


class ContextError(Exception):
    """uv could not do what was asked; the message has its last words."""


def make(program: Program, folder: Path, cache: Path) -> None:
    """Fill the empty `folder`. Raises ContextError."""
    beside = _ROOT / "images" / program
    shutil.copytree(beside, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__*"))
    shutil.copytree(_dependencies(program, cache), folder / "dependencies")
    _unpack_ours(program, folder / "code")
    _write_commands(folder / "code", folder / "commands")
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (0, 0))


def requirements(program: Program) -> str:
    """The index packages that the image holds, with their hashes."""
    only = ("--frozen", "--no-dev", "--no-emit-workspace", "--no-header", "--no-annotate")
    return _uv("export", *only, "--package", program.distribution)


def _dependencies(program: Program, cache: Path) -> Path:
    wanted = requirements(program)

    def install(folder: Path) -> None:
        listing = folder / "requirements.txt"
        listing.write_text(wanted)
        target = (f"--python-version={PYTHON}", f"--python-platform={PLATFORM}")
        exact = ("--no-deps", "--require-hashes", "--only-binary=:all:", "--link-mode=copy")
        _uv("pip", "install", f"--target={folder}", *target, *exact, f"--requirements={listing}")
        # Commands of others are not ours to offer, and theirs name the Python of this machine.
        for leftover in ("bin", "share"):
            shutil.rmtree(folder / leftover, ignore_errors=True)
        for leftover in (".lock", listing.name):
            (folder / leftover).unlink(missing_ok=True)

    key = digest_of(wanted, PYTHON, PLATFORM)
    return cached(cache / "programs", f"{program}-dependencies", key, install)


def _unpack_ours(program: Program, folder: Path) -> None:
    """Our wheels hold packages and metadata only, so unpacking is all that installing would do."""
    with tempfile.TemporaryDirectory() as wheels:
        for name in program.ours:
            _uv("build", "--wheel", f"--package={name}", f"--out-dir={wheels}")
        for wheel in sorted(Path(wheels).glob("*.whl")):
            with zipfile.ZipFile(wheel) as packed:
                packed.extractall(folder)


def _write_commands(code: Path, folder: Path) -> None:
    folder.mkdir()
    for distribution in importlib.metadata.distributions(path=[str(code)]):
        for point in distribution.entry_points.select(group="console_scripts"):
            command = folder / point.name
            command.write_text(_COMMAND.format(module=point.module, name=point.attr))
            command.chmod(0o755)


def _uv(*words: str) -> str:
    command = [os.environ.get("UV", "uv"), "--quiet", *words]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise ContextError(f"{' '.join(command)}: {done.stderr.strip()[-2000:]}")
    return done.stdout
