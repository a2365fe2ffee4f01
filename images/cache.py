"""What is expensive is built once: folders named by what went into them, under `$KUBEMU_CACHE`.

A build happens in a temporary folder that is renamed when it is complete, so a folder that exists
is whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path


def cache_root() -> Path:
    """`$KUBEMU_CACHE`, or `~/.cache/kubemu`."""
    return Path(os.environ.get("KUBEMU_CACHE") or Path.home() / ".cache" / "kubemu")


def say(message: str) -> None:
    """One progress line on stderr; stdout is for results."""
    print(f"images: {message}", file=sys.stderr, flush=True)


def digest_of(*parts: str) -> str:
    """A short name for a list of inputs: the same inputs, in the same order, give the same name."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def digest_of_files(paths: Iterable[Path], base: Path) -> str:
    """A digest of files, and of all files in folders: names (relative to base), modes, contents."""
    files = sorted(file for path in paths for file in _files_below(path))
    return digest_of(
        *(
            f"{file.relative_to(base)} {file.stat().st_mode & 0o111:o} "
            f"{hashlib.sha256(file.read_bytes()).hexdigest()}"
            for file in files
        )
    )


def file_digest(path: Path) -> str:
    """The SHA-256 of a file as hex, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file `path`: one holder among all processes; others wait, and say so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another build ({path.name})")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cached(parent: Path, name: str, key: str, build: Callable[[Path], None]) -> Path:
    """The folder `parent/name-key`, made by `build(folder)` when it is not there yet.

    A build that raises leaves nothing behind; two processes never build the same folder.
    """
    folder = parent / f"{name}-{key}"
    with exclusive(parent / f".{name}.lock"):
        if folder.is_dir():
            return folder
        unfinished = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=parent))
        try:
            build(unfinished)
            unfinished.chmod(0o755)
            unfinished.rename(folder)
        finally:
            if unfinished.exists():
                shutil.rmtree(unfinished)
    return folder


def _files_below(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return [
        file
        for file in path.rglob("*")
        if file.is_file() and "__pycache__" not in file.relative_to(path).parts
    ]
