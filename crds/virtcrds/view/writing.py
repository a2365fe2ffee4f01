"""The text of shapes.json: what every model that a VMI can hold has, without pydantic's means."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo

from ..base import Model
from ..core.vmi import VirtualMachineInstance
from ..names import camel
from ..quantity import Quantity
from ..scalars import Choice

_WORDS: dict[Any, str] = {
    str: "str",
    bool: "bool",
    int: "int",
    int | str: "scalar",
    Quantity: "Quantity",
    Any: "any",
}


def shapes_text() -> str:
    """The whole file: model → name in JSON → attribute and kind (see `reading`)."""
    found: dict[str, type[Model]] = {}
    _find(VirtualMachineInstance, found)
    shapes = {
        name: {
            field.alias or camel(attribute): f"{attribute} {_kind(field)}"
            for attribute, field in model.model_fields.items()
        }
        for name, model in sorted(found.items())
    }
    return json.dumps(shapes, indent=1) + "\n"


def _find(model: type[Model], found: dict[str, type[Model]]) -> None:
    """Everything that can be reached, by name: two models of one name would be one view."""
    known = found.setdefault(model.__name__, model)
    if known is not model:
        raise TypeError(f"{known} and {model} have the same name")
    for field in model.model_fields.values():
        for inner in _models(field.annotation):
            if inner.__name__ not in found or found[inner.__name__] is not inner:
                _find(inner, found)


def _models(annotation: Any) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _models(argument)


def _kind(field: FieldInfo) -> str:
    if field.is_required():
        return _shape(field.annotation) + "!"
    empty = field.get_default(call_default_factory=True)
    if empty is None:
        return _shape(field.annotation) + "?"
    if (isinstance(empty, Model) and not empty.model_fields_set) or not empty:
        return _shape(field.annotation)
    raise TypeError(f"a view cannot tell that the default is {empty!r}")


def _shape(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in _WORDS:
        return _WORDS[annotation]
    if origin is typing.Annotated:
        return _shape(arguments[0])
    if origin in (types.UnionType, typing.Union):
        (value,) = (one for one in arguments if one is not types.NoneType)
        return _shape(value)
    if origin is tuple:
        return f"[{_shape(arguments[0])}]"
    if origin is dict:
        return f"{{{_shape(arguments[1])}}}"
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation.__name__
    if isinstance(annotation, type) and issubclass(annotation, Choice):
        return "str"  # A word out of a list is equal to its text.
    raise TypeError(f"a view cannot hold {annotation}")
