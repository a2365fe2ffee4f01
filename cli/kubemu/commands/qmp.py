"""`kubemu qmp`: any command for QEMU."""

from __future__ import annotations

from typing import Annotated

import typer

from virtlauncher.inside.words import BadArgument, parse_arguments

from .. import say
from ..calls import call
from ..errors import BadInput
from .common import Name, Namespace


def command(
    name: Name,
    execute: Annotated[str, typer.Argument(metavar="CMD", help="For example query-block.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ARG=VALUE]...",
            help="Values are JSON where they can be, else text; a.b=1 is {'a': {'b': 1}}.",
        ),
    ] = None,
    namespace: Namespace = "",
) -> None:
    """Send QEMU a command of its monitor protocol and print its answer as JSON."""
    try:
        tree = parse_arguments(arguments or [])
    except BadArgument as error:
        raise BadInput(str(error)) from error
    _, result = call(name, namespace, "qmp", {"command": execute, "arguments": tree})
    say.result_json(result.get("answer"))
