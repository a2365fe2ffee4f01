"""What all models share: frozen, strict, unknown fields kept, built only when first used.

A pydantic model is costly to build, and a VMI uses a fifth of the models its schema can reach.
So a model inside a model is validated by a call to its own class, and each class builds itself
on the first call.
"""

from __future__ import annotations

import contextvars
import dataclasses
import enum
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

import pydantic
from pydantic_core import CoreSchema, core_schema

from .mistakes import violations_of
from .names import camel
from .violation import InvalidObject

_building: contextvars.ContextVar[bool] = contextvars.ContextVar("building", default=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """A CEL rule that the CRD carries for every object of a model (x-kubernetes-validations)."""

    rule: str
    message: str


class Model(pydantic.BaseModel):
    """A piece of the API. Attributes are snake_case, JSON is KubeVirt's camelCase.

    Python code constructs models by attribute names; `from_json` reads only the JSON names.
    """

    model_config = pydantic.ConfigDict(
        alias_generator=camel,
        defer_build=True,
        extra="allow",
        frozen=True,
        protected_namespaces=(),
        strict=True,
        validate_by_alias=True,
        validate_by_name=True,
    )

    cel_rules: ClassVar[tuple[Rule, ...]] = ()
    open_ended: ClassVar[bool] = False
    """The server keeps fields that the schema does not know."""
    atomic: ClassVar[bool] = False
    """One writer owns the object as a whole (server-side apply)."""

    @classmethod
    def from_json(cls, tree: Any) -> Self:
        """Reads a JSON tree, unknown fields included. Raises InvalidObject."""
        try:
            return cls.model_validate(tree, by_alias=True, by_name=False)
        except pydantic.ValidationError as error:
            raise InvalidObject(violations_of(error)) from error

    def to_json(self) -> dict[str, Any]:
        """The JSON tree: what was set, unknown fields included; None means absent."""
        fields = type(self).model_fields
        tree = {
            fields[name].alias or camel(name): _to_json(value)
            for name, value in self.__dict__.items()
            if value is not None and name in self.model_fields_set
        }
        return tree | (self.model_extra or {})

    def unknown_fields(self, path: str = "") -> Iterator[str]:
        """Paths of fields that the API does not have, e.g. `spec.domain.devices.disks[0].foo`."""
        prefix = f"{path}." if path else ""
        for name, value in self.__dict__.items():
            if name in self.model_fields_set and isinstance(value, Model | tuple | dict):
                alias = type(self).model_fields[name].alias or camel(name)
                yield from _unknown_fields(value, prefix + alias)
        if not self.open_ended:
            yield from (prefix + name for name in self.model_extra or ())

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Only what was set: most of a model is defaults."""
        shown = self.model_fields_set | set(self.model_extra or ())
        yield from (pair for pair in super().__repr_args__() if pair[0] in shown)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: pydantic.GetCoreSchemaHandler
    ) -> CoreSchema:
        dump = core_schema.plain_serializer_function_ser_schema(_to_json)
        if _building.get():
            return core_schema.no_info_plain_validator_function(cls._read, serialization=dump)
        token = _building.set(True)
        try:
            return {**handler(source), "serialization": dump}
        finally:
            _building.reset(token)

    @classmethod
    def _read(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        return cls.model_validate(value, by_alias=True, by_name=False)


class Empty(Model):
    """An object without fields: its presence is the setting."""


def _to_json(value: Any) -> Any:
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple):
        return [_to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _to_json(item) for key, item in value.items()}
    return value


def _unknown_fields(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Model):
        yield from value.unknown_fields(path)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _unknown_fields(item, f"{path}[{index}]")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _unknown_fields(item, f"{path}.{key}")
