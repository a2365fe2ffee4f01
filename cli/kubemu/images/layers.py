"""The layers of an OCI image layout, unpacked in order into a root."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import BadImage, ImageError
from .root import Limits, Root, open_root
from .tarstream import Kind, Stream, read_members

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_JSON_LIMIT = 4 * 1024 * 1024
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_PADDING = 1 << 20
"""More than tar writes after its last member."""
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layout:
    """An image layout on disk with one image in it."""

    folder: Path
    config: str
    """Digest of the image's configuration: what runtimes call the image id."""
    layers: tuple[str, ...]


def open_layout(folder: Path) -> Layout:
    """Reads index and manifest of a layout. Raises BadImage."""
    index = _json((folder / "index.json").read_bytes())
    manifest = _json(_blob(folder, _digest(_list(index, "manifests"), 0)))
    layers = _list(manifest, "layers")
    for layer in layers:
        if "encrypted" in str(layer.get("mediaType")):
            raise BadImage("the image's layers are encrypted")
    return Layout(
        folder=folder,
        config=_digest([manifest.get("config")], 0),
        layers=tuple(_digest(layers, index) for index in range(len(layers))),
    )


def unpack(layout: Layout, target: Path, limits: Limits | None = None) -> None:
    """Unpacks all layers into the empty folder `target`. Raises ImageError."""
    with open_root(target, limits) as root:
        for digest in layout.layers:
            root.start_layer()
            with _open_layer(_blob_path(layout.folder, digest)) as stream:
                unpack_layer(stream, root)


def unpack_layer(stream: Stream, root: Root) -> None:
    """One layer's tar stream into `root`, whiteouts honoured, special files left out."""
    try:
        for member, body in read_members(stream):
            root.count()
            folder, _, last = member.name.rstrip("/").rpartition("/")
            if last == _OPAQUE:
                root.opaque(folder)
            elif last.startswith(_WHITEOUT):
                root.whiteout(f"{folder}/{last.removeprefix(_WHITEOUT)}")
            elif member.kind is Kind.FILE:
                root.file(member.name, body)
            elif member.kind is Kind.FOLDER:
                root.folder(member.name)
            elif member.kind is Kind.SYMLINK:
                root.symlink(member.name, member.link)
            elif member.kind is Kind.HARDLINK:
                root.hardlink(member.name, member.link)
    except (zlib.error, gzip.BadGzipFile, EOFError) as error:
        raise BadImage("a layer's compression is broken") from error


@contextlib.contextmanager
def _open_layer(path: Path) -> Iterator[Stream]:
    # Unbuffered: zstd reads on from where the descriptor is.
    with path.open("rb", buffering=0) as file:
        magic = file.read(4)
        file.seek(0)
        if magic.startswith(_GZIP):
            with gzip.GzipFile(fileobj=file, mode="rb") as stream:
                yield stream
        elif magic == _ZSTD:
            with _zstd(file.fileno()) as stream:
                yield stream
        else:
            yield io.BufferedReader(file)


@contextlib.contextmanager
def _zstd(source: int) -> Iterator[Stream]:
    binary = shutil.which("zstd")
    if binary is None:
        raise ImageError("the image is compressed with zstd", hint="install the package zstd")
    command = [binary, "-q", "-d", "-c"]
    with subprocess.Popen(
        command, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout
            at_end = len(process.stdout.read(_PADDING)) < _PADDING
            if at_end and process.wait() != 0:
                raise BadImage("a layer's compression is broken")
        finally:
            process.kill()


def _blob_path(folder: Path, digest: str) -> Path:
    return folder / "blobs" / "sha256" / digest.removeprefix("sha256:")


def _blob(folder: Path, digest: str) -> bytes:
    """A small blob, its digest verified (skopeo verifies the layers while it copies them)."""
    path = _blob_path(folder, digest)
    if path.stat().st_size > _JSON_LIMIT:
        raise BadImage("the image's manifest is too large")
    data = path.read_bytes()
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
        raise BadImage("the image's manifest has another digest than its name")
    return data


def _json(data: bytes) -> dict[str, Any]:
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadImage("the image's manifest is no JSON") from error
    if not isinstance(tree, dict):
        raise BadImage("the image's manifest is no JSON object")
    return tree


def _list(tree: dict[str, Any], key: str) -> list[dict[str, Any]]:
    items = tree.get(key)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadImage(f"the image's manifest has no {key}")
    return items


def _digest(items: list[Any], index: int) -> str:
    try:
        digest = items[index]["digest"]
    except (IndexError, KeyError, TypeError):
        digest = None
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise BadImage("the image's manifest names no sha256 digest")
    return digest
