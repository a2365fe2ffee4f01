"""`kubemu screenshot`."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Annotated

import typer

from .. import say
from ..calls import call
from ..errors import BadInput
from .common import Name, Namespace


def command(
    name: Name,
    file: Annotated[str, typer.Argument(metavar="FILE", help="PNG to write; '-': stdout.")],
    namespace: Namespace = "",
) -> None:
    """Save what the screen of the VM shows as a PNG."""
    if file == "-" and sys.stdout.isatty():
        raise BadInput("a PNG is nothing for a terminal", hint="give a file")
    machine, result = call(name, namespace, "screenshot")
    png = base64.b64decode(str(result.get("png", "")))
    if file == "-":
        sys.stdout.buffer.write(png)
        return
    try:
        Path(file).write_bytes(png)
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror}", where=file) from error
    say.note(f"{machine.vm}: {result.get('width')}x{result.get('height')} in {file}")
