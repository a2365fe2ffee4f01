"""Numbers, times and the like, bounded as the Go types behind KubeVirt's API are."""

from __future__ import annotations

import dataclasses
import re
from enum import StrEnum
from typing import Annotated, Any, Self, TypeVar

import annotated_types
import pydantic
from pydantic.config import JsonDict
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from .quantity import Quantity
from .written import Written


@dataclasses.dataclass(frozen=True)
class Format:
    """OpenAPI's `format` of a scalar: documentation for people and clients."""

    name: str


@dataclasses.dataclass(frozen=True)
class DateTime(Format):
    """The format that the API server looks at: RFC 3339, the zone may be missing."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: pydantic.GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    @staticmethod
    def _check(text: str) -> str:
        if _DATE_TIME.fullmatch(text) is None:
            raise PydanticCustomError("date_time", "must be a date and time")
        return text


def schema_of_written(kind: type[Written]) -> CoreSchema:
    """How pydantic reads a Quantity or a Duration, and writes it again."""

    def read(value: object) -> Written:
        if isinstance(value, kind):
            return value
        if mistake := kind.type_error(value):
            raise PydanticCustomError(*mistake)
        try:
            return kind(value)
        except ValueError as error:
            raise PydanticCustomError("sentence", "{text}", {"text": str(error)}) from error

    dump = core_schema.plain_serializer_function_ser_schema(kind.to_json)
    return core_schema.no_info_plain_validator_function(read, serialization=dump)


class IntOrStringShape:
    """Validates what Kubernetes calls int-or-string, without a union in the error's path."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: pydantic.GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._read)

    @staticmethod
    def _read(value: object) -> int | str:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise PydanticCustomError("int_or_string", "must be an integer or a string")
        return value


class Choice(StrEnum):
    """A word out of a closed list, where the API server itself refuses any other."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: pydantic.GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._read)

    @classmethod
    def _read(cls, value: object) -> Self:
        if not isinstance(value, str):
            raise PydanticCustomError("string_type", "must be a string")
        try:
            return cls(value)
        except ValueError as error:
            facts = {"supported": [choice.value for choice in cls]}
            raise PydanticCustomError("not_supported", "unsupported value", facts) from error


_DATE_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:?\d{2})?", re.ASCII
)
_INT32 = 2**31
_INT64 = 2**63

Int32 = Annotated[int, annotated_types.Ge(-_INT32), annotated_types.Le(_INT32 - 1), Format("int32")]
Int64 = Annotated[int, annotated_types.Ge(-_INT64), annotated_types.Le(_INT64 - 1), Format("int64")]
UInt32 = Annotated[int, annotated_types.Ge(0), annotated_types.Le(2**32 - 1), Format("int64")]
UInt64 = Annotated[int, annotated_types.Ge(0), annotated_types.Le(2**64 - 1)]

IntOrString = Annotated[int | str, IntOrStringShape]
"""A port by number or name, a count or a percentage."""

Timestamp = Annotated[str, DateTime("date-time")]
"""RFC 3339, as the API server writes it; kept as text."""

_T = TypeVar("_T")
Items = Annotated[tuple[_T, ...], pydantic.Strict(False)]
"""A JSON array, kept as a tuple."""

ResourceList = dict[str, Quantity]
"""Amounts by resource name: cpu, memory, ..."""

BY_NAME: JsonDict = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
"""Schema of a list that is merged by name; two items of one name are refused."""

ATOMIC: JsonDict = {"x-kubernetes-list-type": "atomic"}
"""Schema of a list that one writer owns as a whole."""

SERVER_REQUIRES: JsonDict = {"required": True}
"""The CRD requires the field; the model does not, so that KubeVirt's own sentence is reported."""
