"""A JSON tree as YAML: block style, quoted only where it must be, always the same text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_PLAIN = re.compile(r"[A-Za-z$][A-Za-z0-9._/$=()-]*(?: [A-Za-z0-9._/$=(),;'-]+)*")
_WORDS_WITH_A_MEANING = frozenset({"false", "n", "no", "null", "off", "on", "true", "y", "yes"})


def yaml_text(tree: dict[str, Any]) -> str:
    return "\n".join(_lines(tree, "")) + "\n"


def _lines(tree: dict[str, Any] | list[Any], indent: str) -> Iterator[str]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from _entry(f"{indent}{_scalar(name)}:", value, f"{indent}  ", indent)
    else:
        for value in tree:
            yield from _list_item(value, indent)


def _entry(head: str, value: Any, indent: str, list_indent: str) -> Iterator[str]:
    match value:
        case dict() | list() if not value:
            yield f"{head} {json.dumps(value)}"
        case dict():
            yield head
            yield from _lines(value, indent)
        case list():
            yield head
            yield from _lines(value, list_indent)
        case _:
            yield f"{head} {_scalar(value)}"


def _list_item(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        first, *others = _lines(value, f"{indent}  ")
        yield f"{indent}- {first.strip()}"
        yield from others
    else:
        yield from _entry(f"{indent}-", value, indent, indent)


def _scalar(value: Any) -> str:
    """JSON's scalars are YAML's; a word that nothing could mistake needs no quotes."""
    plain = isinstance(value, str) and _PLAIN.fullmatch(value)
    if plain and value.lower() not in _WORDS_WITH_A_MEANING:
        return str(value)
    return json.dumps(value, ensure_ascii=False)
