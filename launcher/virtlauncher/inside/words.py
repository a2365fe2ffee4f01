"""`ARG=VALUE` words of a command line to the arguments of a QMP command."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


class BadArgument(ValueError):
    """A word that means nothing, in one sentence."""


def parse_arguments(words: Iterable[str]) -> dict[str, Any]:
    """The tree that the words mean: values are JSON where they can be, else text; a.b=1 nests.

    Raises BadArgument.
    """
    tree: dict[str, Any] = {}
    for word in words:
        path, equals, text = word.partition("=")
        *outer, last = path.split(".")
        if not equals or not last or not all(outer):
            raise BadArgument(f"{word!r} is no argument (ARG=VALUE)")
        place = tree
        for key in outer:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise BadArgument(f"{word!r} does not fit the arguments before it")
        place[last] = _value(text)
    return tree


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
