"""Objects that read like the models, made of a JSON tree without pydantic.

shapes.json says what a model has; its class is made when it is first used. What is absent is the
class's own attribute: an object holds what was written, and nothing else.

A member's kind there is a word, [a list of it] or {a mapping to it}. `!` is required, `?` is None
when it is absent; every other has an empty value of its kind.
"""

from __future__ import annotations

import functools
import json
import pathlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn

from ..quantity import Quantity
from ..violation import InvalidObject, Violation

SHAPES = pathlib.Path(__file__).with_name("shapes.json")
"""Made by `python -m virtcrds`."""
_TYPES: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "str": (str, "string"),
    "bool": (bool, "boolean"),
    "int": (int, "integer"),
    "scalar": ((int, str), "integer,string"),
    "list": (list, "array"),
    "dict": (dict, "object"),
}
"""What a value must be, and Kubernetes' word for it."""
_ABSENT: Mapping[str, object] = {
    "str": "",
    "bool": False,
    "int": 0,
    "list": (),
    "dict": MappingProxyType({}),
}


class View:
    """One object of the API. Read only; equal when the same was written."""

    members: ClassVar[Mapping[str, tuple[str, str, str]]] = {}
    """By the name in JSON: attribute, 'list', 'dict' or '', kind of the value or of each item."""
    required: ClassVar[tuple[str, ...]] = ()
    """Names in JSON."""

    def __init__(self, **values: object) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} does not change")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        raise TypeError(f"a {type(self).__name__} may hold what has no hash")

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({values})"


@functools.cache
def _shapes() -> Mapping[str, Mapping[str, str]]:
    shapes: dict[str, dict[str, str]] = json.loads(SHAPES.read_bytes())
    return shapes


@functools.cache
def view_of(model: str) -> type[View]:
    """The class that stands for a model of this name. KeyError: no VMI has such an object."""
    members, required, defaults = {}, [], {}
    for name, member in _shapes()[model].items():
        attribute, kind = member.split()
        form = {"[": "list", "{": "dict"}.get(kind[0], "")
        item = kind.strip("[]{}?!")
        members[name] = attribute, form, item
        if kind.endswith("!"):
            required.append(name)
        else:
            defaults[attribute] = None if kind.endswith("?") else _absent(form or item)
    return type(model, (View,), {"members": members, "required": tuple(required), **defaults})


def read(model: str, tree: object, path: str = "") -> View:
    """The object that a JSON tree describes; members that the API does not have are left out.

    Raises InvalidObject for the first value of a wrong type, and for one that is missing.
    """
    _check("dict", tree, path)
    assert isinstance(tree, dict)
    kind = view_of(model)
    values = {}
    for name, value in tree.items():
        if name in kind.members and value is not None:
            attribute, form, item = kind.members[name]
            values[attribute] = _read(form, item, value, f"{path}.{name}" if path else name)
    for name in kind.required:
        if kind.members[name][0] not in values:
            _refuse(f"{path}.{name}" if path else name, "is required")
    return kind(**values)


def _read(form: str, kind: str, value: Any, path: str) -> object:
    if not form:
        return _one(kind, value, path)
    _check(form, value, path)
    if form == "list":
        return tuple(_one(kind, item, f"{path}[{index}]") for index, item in enumerate(value))
    return {key: _one(kind, item, f"{path}.{key}") for key, item in value.items()}


def _one(kind: str, value: object, path: str) -> object:
    if kind == "any":
        return value
    if kind in _TYPES:
        _check(kind, value, path)
        return value
    if kind != "Quantity":
        return read(kind, value, path)
    _check("scalar", value, path)
    assert isinstance(value, int | str)
    try:
        return Quantity(value)
    except ValueError as error:
        _refuse(path, f"is invalid: {error}")


def _absent(kind: str) -> object:
    return _ABSENT[kind] if kind in _ABSENT else view_of(kind)()


def _check(kind: str, value: object, path: str) -> None:
    types, word = _TYPES[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind != "bool"):
        _refuse(path, f"must be of type {word}")


def _refuse(path: str, complaint: str) -> NoReturn:
    where = f"{path} in body" if path else "body"
    raise InvalidObject((Violation(field=path, message=f"{where} {complaint}"),))
