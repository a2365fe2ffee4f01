"""Plain YAML scalars as Kubernetes' own tools read them.

`kubectl` reads YAML 1.1 without its base-60 numbers and without dates: a MAC address such as
52:54:00:12:34:56 stays text, and so does 2024-01-31. `yes`, `on` and `y` are true.
"""

from __future__ import annotations

import math
import re

_TRUE = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE = frozenset(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_INT = re.compile(r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?")
_DIGITS_LIMIT = 400
"""Longer numbers stay text: no field takes them, and their conversion is quadratic."""

Scalar = str | int | float | bool | None


def resolve(text: str) -> Scalar:
    """The value of an unquoted scalar. Infinities and NaN are no JSON and stay text."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if len(text) > _DIGITS_LIMIT:
        return text
    if _INT.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return _number(text)
    return text


def _integer(text: str) -> Scalar:
    digits = text.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    body = digits.lstrip("+-")
    try:
        if body.startswith(("0x", "0b", "0o")):
            return sign * int(body, 0)
        if len(body) > 1 and body.startswith("0"):
            return sign * int(body, 8)
        return sign * int(body)
    except ValueError:
        return text


def _number(text: str) -> Scalar:
    value = float(text.replace("_", ""))
    return value if math.isfinite(value) else text
