"""`kubemu qmp`: any command for QEMU."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

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
    _, result = call(
        name,
        namespace,
        "qmp",
        {"command": execute, "arguments": parse_arguments(arguments or [])},
    )
    say.result_json(result.get("answer"))


def parse_arguments(words: list[str]) -> dict[str, Any]:
    """`a.b=VALUE` words to the tree they mean. Raises BadInput."""
    tree: dict[str, Any] = {}
    for word in words:
        path, equals, text = word.partition("=")
        *outer, last = path.split(".")
        if not equals or not last or not all(outer):
            raise BadInput(f"{word!r} is no argument", hint="ARG=VALUE")
        place = tree
        for key in outer:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise BadInput(f"{word!r} does not fit the arguments before it")
        place[last] = _value(text)
    return tree


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
