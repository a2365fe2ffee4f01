"""The files of a projected volume: a Secret, a ConfigMap, as the kubelet lays them out."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ...facts import Source
from .files import found
from .limits import Limits
from .place import Place


def read_folder(source: Source, place: Place, limits: Limits) -> dict[str, bytes]:
    """Names to bytes. Dot entries are skipped; links lead through ..data, inside the folder only.

    Raises BadVolume for what leads outside, is no file, or exceeds the limits.
    """
    root = Path(source.path).resolve()
    with found(source.path, place, follow=True):
        names = sorted(name for name in os.listdir(root) if not name.startswith("."))
    if len(names) > limits.config_files:
        raise place.bad(f"has {len(names)} files; more than {limits.config_files} are not taken")
    result: dict[str, bytes] = {}
    room = limits.config_bytes
    for name in names:
        result[name] = _read(root, name, room, place)
        room -= len(result[name])
    return result


def _read(root: Path, name: str, room: int, place: Place) -> bytes:
    path = (root / name).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise place.bad(f"{name} is no file of the volume")
    with contextlib.closing(path.open("rb")) as file:
        data = file.read(room + 1)
    if len(data) > room:
        raise place.bad("its files are larger than allowed together")
    return data
