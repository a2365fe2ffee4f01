"""What text may hold, whatever its field means: the last net below all the rules by name.

Values travel in JSON, so commas, quotes and blanks are harmless; line ends and NUL are not, because
logs, seeds and the guest's own files are lines. Text is walked through the models, so a field
added later is guarded from its first day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pydantic

from ..violation import Violation
from .causes import invalid
from .path import Path

MAX_LINE = 4096
"""Linux' PATH_MAX; no other line is longer either."""
MAX_TEXT = 1 << 20
"""The size of the largest object a cluster's store takes, roughly."""

_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOT_IN_A_TEXT = re.compile("[\x00\ud800-\udfff]")

_MULTI_LINE = frozenset(
    {"command", "network_data", "network_data_base64", "user_data", "user_data_base64"}
)
"""Attributes that hold documents or scripts."""


def text_violations(field: Path, model: pydantic.BaseModel) -> Iterator[Violation]:
    """Control characters and excessive lengths, in every declared string below `model`."""
    for path, name, value in _strings(field, model):
        if name in _MULTI_LINE:
            yield from _document_violations(path, value)
        else:
            yield from _line_violations(path, value)


def _line_violations(path: Path, value: str) -> Iterator[Violation]:
    if len(value) > MAX_LINE:
        yield invalid(path, f"{path} must be no more than {MAX_LINE} characters")
    elif _NOT_IN_A_LINE.search(value):
        yield invalid(path, f"{path} must not contain control characters")


def _document_violations(path: Path, value: str) -> Iterator[Violation]:
    if len(value) > MAX_TEXT:
        yield invalid(path, f"{path} must be no more than {MAX_TEXT} characters")
    elif _NOT_IN_A_TEXT.search(value):
        yield invalid(path, f"{path} must not contain NUL characters")


def _strings(field: Path, model: pydantic.BaseModel) -> Iterator[tuple[Path, str, str]]:
    # A stack instead of recursion: how deep an object is nested is the user's choice.
    stack: list[tuple[Path, str, object]] = [(field, "", model)]
    while stack:
        path, name, value = stack.pop()
        if isinstance(value, str):
            yield path, name, value
        else:
            stack.extend(reversed(list(_children(path, name, value))))


def _children(path: Path, name: str, value: object) -> Iterator[tuple[Path, str, object]]:
    if isinstance(value, pydantic.BaseModel):
        for attribute, info in type(value).model_fields.items():
            yield path / (info.alias or attribute), attribute, getattr(value, attribute)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield path, name, str(key)
            yield path / str(key), name, item
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield path.at(index), name, item
