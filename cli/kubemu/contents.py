"""Secrets and ConfigMaps of a manifest: read, checked, and written as private folders."""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .documents import Document
from .errors import BadInput
from .folders import remove_tree

_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_LIMIT = 1024 * 1024
"""Bytes of one object, as in Kubernetes."""

Files = Mapping[str, bytes]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contents:
    """By name: documents of one file belong together, whatever their namespaces."""

    secrets: Mapping[str, Files] = dataclasses.field(default_factory=dict)
    config_maps: Mapping[str, Files] = dataclasses.field(default_factory=dict)


def read_contents(documents: list[Document]) -> Contents:
    """Raises BadInput for keys that are no file names, bad base64, and objects that are too big."""
    secrets: dict[str, Files] = {}
    config_maps: dict[str, Files] = {}
    for document in documents:
        metadata = document.tree.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if not isinstance(name, str) or not name:
            raise BadInput("metadata.name is missing", where=document.where)
        if document.tree["kind"] == "Secret":
            secrets[name] = _files(document, encoded="data", plain="stringData")
        else:
            config_maps[name] = _files(document, encoded="binaryData", plain="data")
    return Contents(secrets=secrets, config_maps=config_maps)


def write_folder(folder: Path, files: Files) -> Path:
    """The files, for us alone (0700, 0600), in a folder that is made anew."""
    remove_tree(folder)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    for name, data in files.items():
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(folder / name, flags, 0o600), "wb") as file:
            file.write(data)
    return folder


def _files(document: Document, *, encoded: str, plain: str) -> Files:
    files = {key: _decode(document, encoded, key, text) for key, text in _data(document, encoded)}
    files |= {key: text.encode() for key, text in _data(document, plain)}
    if sum(len(data) for data in files.values()) > _LIMIT:
        raise BadInput(f"has more than {_LIMIT} bytes", where=document.where)
    return files


def _data(document: Document, field: str) -> list[tuple[str, str]]:
    data = document.tree.get(field)
    if data is None:
        return []
    if not isinstance(data, dict):
        raise _refused(document, field, "must be an object")
    for key, value in data.items():
        path = f"{field}.{key}"
        if not _KEY.fullmatch(key) or key in (".", ".."):
            raise _refused(document, path, "is no key: letters, digits, '-', '_' and '.'")
        if not isinstance(value, str):
            raise _refused(document, path, "must be text; numbers and true need quotes")
    return list(data.items())


def _decode(document: Document, field: str, key: str, text: Any) -> bytes:
    with contextlib.suppress(binascii.Error, ValueError):
        return base64.b64decode("".join(text.split()), validate=True)
    raise _refused(document, f"{field}.{key}", "is not base64")


def _refused(document: Document, path: str, message: str) -> BadInput:
    return BadInput(f"{path} {message}", where=f"{document.source}:{document.line_of(path)}")
