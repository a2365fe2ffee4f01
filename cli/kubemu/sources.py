"""What the command line and the manifest say about where bytes are: paths, images, sizes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from virtcrds import Quantity
from virtlauncher.facts import Source, SourceKind

from .contents import Contents
from .errors import BadInput
from .images.pull import PullPolicy, Wanted
from .images.reference import parse_reference

TRANSPORTS = ("oci:", "oci-archive:", "docker-archive:")
"""skopeo's names for images in files."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Given:
    """What the command line says about volumes."""

    paths: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """--volume NAME=PATH, by the name of a volume or of its claim."""
    policy: PullPolicy | None = None
    claim_sizes: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Bytes that the manifest's own claims ask for."""


def parse_volume(text: str) -> tuple[str, str]:
    """`NAME=PATH`. Raises BadInput."""
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise BadInput(f"{text!r} is no volume", where="--volume", hint="NAME=PATH")
    return name, path


def wanted_image(path: str, image: Any, given: Given, contents: Contents, field: str) -> Wanted:
    """`image` is a containerDisk or a kernel's container: both name an image alike."""
    if path:
        transport, _, rest = path.partition(":")
        source = f"{transport}:{Path(rest).absolute()}"
        return Wanted(source=source, name=path)
    reference = parse_reference(image.image, f"{field}.image")
    # One that is not in the file may be in skopeo's own places: whoever runs this is logged in.
    secret = contents.secrets.get(image.image_pull_secret, {})
    return Wanted(
        source=reference.source,
        name=reference.text,
        reference=reference,
        policy=given.policy or PullPolicy.of_manifest(image.image_pull_policy),
        login=secret.get(".dockerconfigjson", b""),
    )


def local_source(path: str, *, readonly: bool, size: int | None = None) -> Source:
    here = Path(path).expanduser().absolute()
    if not here.exists():
        raise BadInput("does not exist", where=f"--volume {here}")
    kind = SourceKind.DIR if here.is_dir() else SourceKind.FILE
    return Source(kind=kind, path=str(here), readonly=readonly, size=size)


def claim_sizes(claims: Mapping[str, Any]) -> dict[str, int]:
    """Bytes that PersistentVolumeClaims and DataVolumes ask for, by name, where they say so.

    `claims` are the objects' `spec`s.
    """
    sizes = {}
    for name, spec in claims.items():
        for path in (
            ("resources", "requests", "storage"),
            ("storage", "resources", "requests", "storage"),
            ("pvc", "resources", "requests", "storage"),
        ):
            value = spec
            for key in path:
                value = value.get(key) if isinstance(value, Mapping) else None
            if isinstance(value, str | int) and not isinstance(value, bool):
                try:
                    sizes[name] = Quantity(value).value
                except ValueError as error:
                    raise BadInput(f"claim {name!r}: {error}") from error
    return sizes
