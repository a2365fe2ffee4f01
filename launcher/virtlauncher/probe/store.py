"""Answers that are kept: one small JSON file each, named by what the answer depends on."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any


def key_of(*parts: Any) -> str:
    """A file name's worth of everything that an answer depends on."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:32]


def identity(path: Path | str) -> tuple[str, int, int]:
    """What changes when a file is replaced: its real path, size and time of change."""
    real = Path(path).resolve()
    status = real.stat()
    return str(real), status.st_size, status.st_mtime_ns


def read(path: Path) -> Any:
    """The answer kept in `path`; None when there is none, or none that can be read."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def write(path: Path, answer: Any) -> None:
    """Keep an answer. Whoever reads at the same time gets the old or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(json.dumps(answer))
    part.replace(path)
