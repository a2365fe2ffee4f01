"""A document as it comes from YAML or JSON, made into a plain and bounded JSON tree.

YAML brings what JSON does not have (dates, numbers as keys, shared and even endless branches),
and anybody may send it.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from .violation import InvalidObject, Violation

MAX_DEPTH = 64
"""The API's deepest field lies at half of this."""
MAX_NODES = 100_000
MAX_CHARACTERS = 3 * 1024 * 1024
"""The API server takes no larger request."""


class PlainTree:
    """Copies one document; counts what it has seen, since branches may be shared."""

    def __init__(self) -> None:
        self._nodes = 0
        self._characters = 0

    def copy(self, value: Any, path: str = "", depth: int = 0) -> Any:
        """Null members of objects are dropped, as the API server does. Raises InvalidObject."""
        self._count(value, path, depth)
        match value:
            case dict() | Mapping():
                return {
                    self._key(key, path): self.copy(item, _member(path, key), depth + 1)
                    for key, item in value.items()
                    if item is not None
                }
            case list() | tuple():
                return [
                    self.copy(item, f"{path}[{index}]", depth + 1)
                    for index, item in enumerate(value)
                ]
            case _:
                return _scalar(value, path)

    def _count(self, value: object, path: str, depth: int) -> None:
        self._nodes += 1
        if isinstance(value, str):
            self._characters += len(value)
        if depth > MAX_DEPTH:
            _refuse(path, f"is nested more than {MAX_DEPTH} levels deep")
        if self._nodes > MAX_NODES or self._characters > MAX_CHARACTERS:
            _refuse("", f"is too large: at most {MAX_CHARACTERS} characters, {MAX_NODES} values")

    def _key(self, key: object, path: str) -> str:
        """YAML allows `1: x` and `yes: x`; JSON's names are strings."""
        match key:
            case str():
                self._characters += len(key)
                return key
            case bool():
                return "true" if key else "false"
            case int():
                return str(key)
            case _:
                _refuse(path, f"has a key that is no string: {key!r:.64}")


def _member(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _scalar(value: object, path: str) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case float() if value.is_integer():
            return int(value)
        case float() if math.isfinite(value):
            return value
        case datetime.datetime():
            return value.isoformat().replace("+00:00", "Z")
        case datetime.date():
            return value.isoformat()
        case _:
            _refuse(path, f"is no JSON value: {type(value).__name__}")


def _refuse(path: str, complaint: str) -> NoReturn:
    message = f"{path or 'the document'} {complaint}"
    raise InvalidObject((Violation(field=path, message=message),))
