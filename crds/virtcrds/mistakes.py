"""pydantic's errors as sentences that users of Kubernetes know, with Kubernetes' paths."""

from __future__ import annotations

import json
from typing import Any

import pydantic
import pydantic_core

from .violation import Violation

_LONGEST_VALUE = 64
_TYPES = {
    "bool_type": "boolean",
    "date_time": "date-time",
    "dict_type": "object",
    "float_type": "number",
    "int_or_string": "integer,string",
    "int_type": "integer",
    "mapping_type": "object",
    "model_type": "object",
    "string_type": "string",
    "tuple_type": "array",
}


def violations_of(error: pydantic.ValidationError) -> tuple[Violation, ...]:
    """One violation per mistake, in the order of the fields."""
    return tuple(
        _violation(mistake) for mistake in error.errors(include_url=False, include_context=True)
    )


def path_of(location: tuple[str | int, ...]) -> str:
    """('spec', 'volumes', 0, 'name') → `spec.volumes[0].name`."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def _violation(mistake: pydantic_core.ErrorDetails) -> Violation:
    field = path_of(mistake["loc"])
    kind, facts = mistake["type"], mistake.get("ctx", {})
    where = f"{field} in body" if field else "body"
    if kind == "missing":
        return Violation(field=field, message=f"{where} is required", reason="FieldValueRequired")
    if kind == "not_supported":
        choices = ", ".join(json.dumps(choice) for choice in facts["supported"])
        return Violation(
            field=field,
            message=f"{where} has an unsupported value: {_shown(mistake['input'])}:"
            f" supported values: {choices}",
            reason="FieldValueNotSupported",
        )
    return Violation(field=field, message=f"{where} {_complaint(kind, facts, mistake['input'])}")


def _complaint(kind: str, facts: dict[str, Any], value: object) -> str:
    """What is wrong, in the words of Kubernetes' own schema validation where it has them."""
    if kind in _TYPES:
        return f"must be of type {_TYPES[kind]}: {_shown(value)}"
    match kind:
        case "greater_than_equal":
            return f"should be greater than or equal to {facts['ge']}"
        case "less_than_equal":
            return f"should be less than or equal to {facts['le']}"
        case "too_long":
            return f"should have at most {facts['max_length']} items"
        case "too_short":
            return f"should have at least {facts['min_length']} items"
        case "string_too_long":
            return f"should be at most {facts['max_length']} chars long"
        case "sentence":
            return f"is invalid: {facts['text']}"
        case _:
            return f"is invalid: {_shown(value)}"


def _shown(value: object) -> str:
    """The value when it is small and plain; of anything else only its type, for its sake."""
    match value:
        case dict():
            return '"object"'
        case list() | tuple():
            return '"array"'
        case str() | bool() | int() | float() | None:
            text = json.dumps(value, ensure_ascii=False)
            return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
        case _:
            return f'"{type(value).__name__}"'
