"""Go durations, as metav1.Duration writes them: `1h30m`, `500ms`, `-1.5s`."""

from __future__ import annotations

import re
from fractions import Fraction

from .written import Written

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


class Duration(Written):
    """A span of time."""

    __slots__ = ()

    raw: str

    def __init__(self, raw: str) -> None:
        super().__init__(raw)

    @staticmethod
    def _parse(text: str) -> int:
        return _parse_nanos(text)

    @staticmethod
    def type_error(value: object) -> tuple[str, str] | None:
        return None if isinstance(value, str) else ("string_type", "must be a string")

    @property
    def nanoseconds(self) -> int:
        return self._exact

    @property
    def seconds(self) -> float:
        return self.nanoseconds / 10**9


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
