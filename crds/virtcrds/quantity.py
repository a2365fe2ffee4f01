"""Quantities: `512Mi`, `1.5`, `100m`, `2e3`, with Kubernetes' exact arithmetic.

Kubernetes keeps nanos: what is finer is rounded away from zero, what is larger than an int64 is
capped. The text stays as the user wrote it; comparison is by value.
"""

from __future__ import annotations

import re

from .written import Written

PATTERN = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
"""What the CRDs say of a quantity, the pattern that Kubernetes' own tools write."""

_SHAPE = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([^0-9.].*)?", re.ASCII)
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)", re.ASCII)
_NANOS = 10**9
_MAX = (2**63 - 1) * _NANOS
_LONGEST = 128
"""Digits and exponents beyond this are refused: no quantity needs them, and they cost CPU."""


class Quantity(Written):
    """An amount of bytes, CPUs or things."""

    __slots__ = ()

    raw: str | int

    def __init__(self, raw: str | int) -> None:
        super().__init__(raw)

    @staticmethod
    def _parse(text: str) -> int:
        return _parse_nanos(text)

    @staticmethod
    def type_error(value: object) -> tuple[str, str] | None:
        right = isinstance(value, int | str) and not isinstance(value, bool)
        return None if right else ("int_or_string", "must be an integer or a string")

    @property
    def value(self) -> int:
        """Whole units (bytes, CPUs), rounded up as Kubernetes' Value() does."""
        return self._rounded_up(_NANOS)

    @property
    def milli(self) -> int:
        """Thousandths, rounded up as Kubernetes' MilliValue() does."""
        return self._rounded_up(_NANOS // 1000)

    @property
    def nano(self) -> int:
        """The exact amount in billionths."""
        return self._exact

    def _rounded_up(self, unit: int) -> int:
        magnitude = -(-abs(self.nano) // unit)
        return magnitude if self.nano >= 0 else -magnitude

    @classmethod
    def of_bytes(cls, amount: int) -> Quantity:
        """`amount` bytes with the largest binary suffix that keeps the number whole."""
        for suffix, bits in reversed(_BINARY.items()):
            if amount and amount % (1 << bits) == 0:
                return cls(f"{amount >> bits}{suffix}")
        return cls(str(amount))

    def __bool__(self) -> bool:
        return self.nano != 0


def _parse_nanos(text: str) -> int:
    shape = _SHAPE.fullmatch(text) if len(text) <= _LONGEST else None
    if shape is None or not (shape[2] or shape[3]):
        raise ValueError(
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    sign, whole, fraction, suffix = shape[1], shape[2] or "", shape[3] or "", shape[4] or ""
    bits, exponent = _scale(suffix)
    digits = int(whole + fraction) << bits
    magnitude = min(_shifted(digits, exponent - len(fraction) + 9), _MAX)
    return -magnitude if sign == "-" else magnitude


def _scale(suffix: str) -> tuple[int, int]:
    """The suffix as (power of two, power of ten)."""
    if suffix in _BINARY:
        return _BINARY[suffix], 0
    if suffix in _DECIMAL:
        return 0, _DECIMAL[suffix]
    exponent = _EXPONENT.fullmatch(suffix)
    if exponent is None:
        raise ValueError("unable to parse quantity's suffix")
    return 0, max(-_LONGEST, min(_LONGEST, int(exponent[1])))


def _shifted(digits: int, places: int) -> int:
    """digits × 10^places, rounded up: a tiny amount stays an amount."""
    if places >= 0:
        return digits * _power(places)
    return -(-digits // _power(-places))


def _power(places: int) -> int:
    power: int = 10**places
    return power
