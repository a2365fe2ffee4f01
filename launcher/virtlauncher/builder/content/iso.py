"""ISO 9660 images from a few files, written with mode 0600 and never anywhere else."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path

import pycdlib

from .holdings import Holdings
from .place import Place

_LEVEL = 4
"""Interchange level: long names without versions."""


def write_iso(
    path: Path, label: str, files: Mapping[str, bytes], place: Place, holdings: Holdings
) -> None:
    """Files by their path ('openstack/latest/user_data'), with Joliet and Rock Ridge names."""
    try:
        path.unlink(missing_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        holdings.made(path)
        with os.fdopen(fd, "r+b") as out:
            image = _image(label, files)
            image.write_fp(out)
            image.close()
    except OSError as error:
        raise place.failed(f"{path} cannot be made", error) from error


def _image(label: str, files: Mapping[str, bytes]) -> pycdlib.PyCdlib:
    image = pycdlib.PyCdlib()
    image.new(interchange_level=_LEVEL, vol_ident=label, joliet=3, rock_ridge="1.09")
    folders: set[str] = set()
    for name, data in files.items():
        parts = name.split("/")
        for depth in range(1, len(parts)):
            folder = "/" + "/".join(parts[:depth])
            if folder not in folders:
                folders.add(folder)
                image.add_directory(folder, rr_name=parts[depth - 1], joliet_path=folder)
        image.add_fp(
            io.BytesIO(data), len(data), f"/{name}", rr_name=parts[-1], joliet_path=f"/{name}"
        )
    return image
