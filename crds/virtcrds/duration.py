"""Go durations, as metav1.Duration writes them: `1h30m`, `500ms`, `-1.5s`."""

from __future__ import annotations

import functools
import re
from fractions import Fraction
from typing import Any

import pydantic
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,  # U+00B5, the micro sign
    "μs": 10**3,  # U+03BC, the Greek letter
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_TERM = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_WHOLE = re.compile(rf"[+-]?(?:0|(?:{_TERM.pattern})+)", re.ASCII)
_LONGEST = 64


@functools.total_ordering
class Duration:
    """A span of time. Immutable and hashable; the text stays as the user wrote it."""

    __slots__ = ("_nanos", "raw")

    raw: str

    def __init__(self, raw: str) -> None:
        """Raises ValueError with Go's sentence when `raw` is no duration."""
        object.__setattr__(self, "raw", raw)
        object.__setattr__(self, "_nanos", _parse_nanos(raw))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Duration does not change")

    @property
    def nanoseconds(self) -> int:
        nanos: int = object.__getattribute__(self, "_nanos")
        return nanos

    @property
    def seconds(self) -> float:
        return self.nanoseconds / 10**9

    def __str__(self) -> str:
        return self.raw

    def __repr__(self) -> str:
        return f"Duration({self.raw!r})"

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, Duration) and self.nanoseconds == other.nanoseconds
        return same if isinstance(other, Duration) else NotImplemented

    def __lt__(self, other: Duration) -> bool:
        if not isinstance(other, Duration):
            return NotImplemented
        return self.nanoseconds < other.nanoseconds

    def __hash__(self) -> int:
        return hash(self.nanoseconds)

    def to_json(self) -> str:
        return self.raw

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: pydantic.GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._read,
            serialization=core_schema.plain_serializer_function_ser_schema(cls.to_json),
        )

    @classmethod
    def _read(cls, value: object) -> Duration:
        if isinstance(value, Duration):
            return value
        if not isinstance(value, str):
            raise PydanticCustomError("string_type", "must be a string")
        try:
            return cls(value)
        except ValueError as error:
            raise PydanticCustomError("sentence", "{text}", {"text": str(error)}) from error


def _parse_nanos(text: str) -> int:
    if len(text) > _LONGEST or _WHOLE.fullmatch(text) is None:
        raise ValueError(f'time: invalid duration "{text[:_LONGEST]}"')
    total = sum(
        (Fraction(number.rstrip(".")) * _UNITS[unit] for number, unit in _TERM.findall(text)),
        Fraction(),
    )
    nanos = int(total)
    if nanos >= 2**63:
        raise ValueError(f'time: invalid duration "{text}"')
    return -nanos if text.startswith("-") else nanos
