"""What the tiny guest prints, read back: lines `kubemu-guest: KIND [WORD…] [KEY=VALUE…]`.

The kinds and their keys are listed in images/guests/README.md.
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Mapping

# Not at a line's start alone: it may follow the prompt of a login.
_LINE = re.compile(r"\bkubemu-guest: (\S+)(.*)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the report."""

    kind: str
    words: tuple[str, ...]
    values: Mapping[str, str]


def parse(console: str) -> list[Line]:
    """The report's lines in a console's output; an unfinished last line is left out."""
    text = console.replace("\r", "")
    return [_line(kind, rest) for kind, rest in _LINE.findall(text[: text.rfind("\n") + 1])]


def find_line(console: str, kind: str, **values: str) -> Line | None:
    """The last line of this kind that has these values: the guest repeats what has changed."""
    matching = [
        line
        for line in parse(console)
        if line.kind == kind and values.items() <= line.values.items()
    ]
    return matching[-1] if matching else None


def _line(kind: str, rest: str) -> Line:
    items = rest.split()
    pairs = (item.partition("=") for item in items if "=" in item)
    return Line(
        kind=kind,
        words=tuple(item for item in items if "=" not in item),
        values={key: urllib.parse.unquote(value) for key, _, value in pairs},
    )
