"""New models from old ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from ..base import Model

M = TypeVar("M", bound=Model)


def evolve(model: M, /, **changes: Any) -> M:
    """`model` with these attributes; the very same object when they are what it has."""
    if all(getattr(model, name) == value for name, value in changes.items()):
        return model
    return model.model_copy(update=changes)


def filled(model: M, values: Mapping[str, Any]) -> M:
    """`model` with `values` for the attributes that say nothing: None, the empty text, zero."""
    missing = {name: value for name, value in values.items() if _says_nothing(getattr(model, name))}
    return evolve(model, **missing)


def _says_nothing(value: object) -> bool:
    # False equals zero, but it is an answer.
    return value is None or (value in ("", 0) and value is not False)
