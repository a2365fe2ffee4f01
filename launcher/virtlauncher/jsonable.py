"""Frozen dataclasses to JSON trees and back: small, strict about types, tolerant of new keys.

Enough for facts and plans: str, int, float, bool, None, StrEnum, tuples, mappings of str, nested
dataclasses and `X | None`. Standard library only, because the resident process imports it.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def to_jsonable(value: Any) -> Any:
    """A tree of dict, list, str, int, float, bool and None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_jsonable(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_jsonable(item) for item in value]
    return value


def from_jsonable(kind: type[T], tree: Any) -> T:
    """The inverse for a dataclass `kind`. Raises ValueError naming the place."""
    result = _read(kind, tree, kind.__name__)
    assert isinstance(result, kind)
    return result


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read(kind: Any, tree: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if kind is Any:
        return tree
    if origin in (types.UnionType, typing.Union):
        return _read_optional(kind, tree, where)
    if origin is tuple:
        return _read_tuple(typing.get_args(kind), tree, where)
    if origin is not None and issubclass(origin, Mapping):
        _expect(isinstance(tree, Mapping), where, "an object", tree)
        item = typing.get_args(kind)[1]
        return {key: _read(item, value, f"{where}.{key}") for key, value in tree.items()}
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(kind, tree, where)
    return _read_scalar(kind, tree, where)


def _read_optional(kind: Any, tree: Any, where: str) -> Any:
    members = [member for member in typing.get_args(kind) if member is not types.NoneType]
    return None if tree is None else _read(members[0], tree, where)


def _read_tuple(members: tuple[Any, ...], tree: Any, where: str) -> Any:
    _expect(isinstance(tree, list | tuple), where, "a list", tree)
    if len(members) == 2 and members[1] is Ellipsis:
        return tuple(_read(members[0], item, f"{where}[{i}]") for i, item in enumerate(tree))
    _expect(len(tree) == len(members), where, f"{len(members)} items", tree)
    return tuple(
        _read(member, item, f"{where}[{i}]")
        for i, (member, item) in enumerate(zip(members, tree, strict=True))
    )


def _read_dataclass(kind: Any, tree: Any, where: str) -> Any:
    _expect(isinstance(tree, Mapping), where, "an object", tree)
    hints = _hints(kind)
    values = {}
    for field in dataclasses.fields(kind):
        if field.name in tree:
            values[field.name] = _read(hints[field.name], tree[field.name], f"{where}.{field.name}")
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error


def _read_scalar(kind: Any, tree: Any, where: str) -> Any:
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(tree)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
    right = isinstance(tree, kind) and not (kind is int and isinstance(tree, bool))
    _expect(right or (kind is float and isinstance(tree, int)), where, kind.__name__, tree)
    return tree


def _expect(right: bool, where: str, wanted: str, got: Any) -> None:
    if not right:
        raise ValueError(f"{where}: expected {wanted}, got {type(got).__name__}")
