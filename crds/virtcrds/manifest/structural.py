"""Structural schemas: what the API server wants to know about a model.

Walks the models' fields, not pydantic's JSON schema, which is of another kind ($ref, anyOf with
null, titles). A type that it does not know is an error, never a guess.
"""

from __future__ import annotations

import enum
import types
import typing
from typing import Any

import annotated_types
import pydantic
from pydantic.fields import FieldInfo

from ..base import Model
from ..duration import Duration
from ..kind import Kind
from ..names import camel
from ..quantity import PATTERN, Quantity
from ..scalars import Format, IntOrStringShape

Schema = dict[str, Any]

_SCALARS = {bool: "boolean", float: "number", int: "integer", str: "string"}
_INT_OR_STRING: Schema = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
}
_PRESERVE: Schema = {"x-kubernetes-preserve-unknown-fields": True}
_REQUIRED = "required"


class UnknownShapeError(TypeError):
    """A field has a type that has no structural schema."""


def kind_schema(kind: type[Kind]) -> Schema:
    """The schema of a whole object. Of its metadata the API server knows more than we could say."""
    schema = _model_schema(kind)
    schema["description"] = _summary(kind)
    schema["properties"]["metadata"] = {"type": "object"}
    return schema


def _model_schema(model: type[Model]) -> Schema:
    fields = {
        field.alias or camel(name): field for name, field in sorted(model.model_fields.items())
    }
    schema: Schema = {"type": "object"}
    if fields:
        schema["properties"] = {name: _field_schema(field) for name, field in fields.items()}
    required = sorted(name for name, field in fields.items() if _is_required(field))
    if required:
        schema["required"] = required
    if model.cel_rules:
        schema["x-kubernetes-validations"] = [
            {"rule": rule.rule, "message": rule.message} for rule in model.cel_rules
        ]
    if model.atomic:
        schema["x-kubernetes-map-type"] = "atomic"
    return schema | _PRESERVE if model.open_ended else schema


def _extra(field: FieldInfo) -> Schema:
    extra = field.json_schema_extra or {}
    if callable(extra):
        raise UnknownShapeError(f"a schema must be data: {field}")
    return dict(extra)


def _is_required(field: FieldInfo) -> bool:
    return field.is_required() or bool(_extra(field).get(_REQUIRED))


def _field_schema(field: FieldInfo) -> Schema:
    if not field.description:
        raise UnknownShapeError(f"a field without description: {field}")
    extra = {name: value for name, value in _extra(field).items() if name != _REQUIRED}
    shape = _shape(field.annotation, tuple(field.metadata))
    return {"description": field.description} | shape | extra


def _shape(annotation: Any, metadata: tuple[Any, ...]) -> Schema:
    """The schema of a type, with what its annotations add."""
    if IntOrStringShape in metadata:
        return dict(_INT_OR_STRING)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _shape(arguments[0], (*arguments[1:], *metadata))
    if origin in (typing.Union, types.UnionType):
        members = [member for member in arguments if member is not types.NoneType]
        if len(members) != 1:
            raise UnknownShapeError(f"a union has no structural schema: {annotation}")
        return _shape(members[0], metadata)
    schema = _plain_shape(annotation, origin, arguments)
    for fact in metadata:
        schema |= _constraint(fact, schema)
    return schema


def _plain_shape(annotation: Any, origin: Any, arguments: tuple[Any, ...]) -> Schema:
    if origin is tuple and arguments[1:] == (Ellipsis,):
        return {"type": "array", "items": _item_shape(arguments[0])}
    if origin is dict and arguments == (str, Any):
        return {"type": "object"} | _PRESERVE
    if origin is dict and arguments[0] is str:
        return {"type": "object", "additionalProperties": _item_shape(arguments[1])}
    if annotation in _SCALARS:
        return {"type": _SCALARS[annotation]}
    if not isinstance(annotation, type):
        raise UnknownShapeError(f"no structural schema is known for {annotation}")
    if issubclass(annotation, Model):
        return _model_schema(annotation)
    if issubclass(annotation, Quantity):
        return _INT_OR_STRING | {"pattern": PATTERN}
    if issubclass(annotation, Duration):
        return {"type": "string"}
    if issubclass(annotation, enum.StrEnum):
        return {"type": "string", "enum": [choice.value for choice in annotation]}
    raise UnknownShapeError(f"no structural schema is known for {annotation}")


def _item_shape(annotation: Any) -> Schema:
    """An item of a list or a map has no field to describe it; its class does."""
    schema = _shape(annotation, ())
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return {"description": _summary(annotation)} | schema
    return schema


def _constraint(fact: object, schema: Schema) -> Schema:
    match fact:
        case Format(name=name):
            return {"format": name}
        case annotated_types.Ge(ge=bound):
            return {"minimum": bound} if _fits(bound) else {}
        case annotated_types.Le(le=bound):
            return {"maximum": bound} if _fits(bound) else {}
        case annotated_types.MaxLen(max_length=length) if schema["type"] == "array":
            return {"maxItems": length}
        case pydantic.Strict():
            return {}
        case _:
            raise UnknownShapeError(f"no structural schema is known for {fact!r}")


def _fits(bound: Any) -> bool:
    """The API server keeps bounds as float64. The limits of int64 are rounded there to what is no
    int64, and then every value is refused; the format says the same anyway.
    """
    return bool(abs(bound) <= 2**53)


def _summary(model: type[Model]) -> str:
    """The first paragraph of the docstring, on one line."""
    doc = model.__doc__ or ""
    if not doc:
        raise UnknownShapeError(f"a model without docstring: {model}")
    return " ".join(doc.strip().split("\n\n")[0].split())
