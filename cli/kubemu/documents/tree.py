"""YAML events to a JSON tree with the line of every field, built by hand for four reasons:
duplicate keys are refused, aliases cannot explode, tags make no objects, lines are kept.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from ..errors import BadInput
from .scalars import resolve

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_TAGS = {
    "tag:yaml.org,2002:str": str,
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:bool": bool,
    "tag:yaml.org,2002:null": type(None),
    "tag:yaml.org,2002:map": dict,
    "tag:yaml.org,2002:seq": list,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """What a manifest may cost. Kubernetes itself takes objects of at most 3 MB."""

    size: int = 4 * 1024 * 1024
    nodes: int = 200_000
    """Values of a file, those behind aliases counted at every use."""
    depth: int = 64
    documents: int = 500


@dataclasses.dataclass(frozen=True, kw_only=True)
class Document:
    """One document of a file: the tree, and where each field stands."""

    source: str
    """The file's name as the user gave it, or '<stdin>'."""
    number: int
    """From 1, empty documents counted."""
    line: int
    tree: Any
    lines: Mapping[str, int] = dataclasses.field(repr=False)
    """Field path, lower case ('spec.volumes[0].name'), to line."""

    @property
    def where(self) -> str:
        return f"{self.source}:{self.line} (document {self.number})"

    def line_of(self, path: str) -> int:
        """The line of a field, or of the nearest one around it that exists.

        KubeVirt writes some paths with a capital (`disks[1].Name`), hence no case.
        """
        rest = path.lower()
        while rest:
            if rest in self.lines:
                return self.lines[rest]
            rest = rest[: max(rest.rfind("."), rest.rfind("["), 0)]
        return self.line


def read_documents(data: bytes, source: str, limits: Limits | None = None) -> list[Document]:
    """The non-empty documents of a YAML (or JSON) file. Raises BadInput with file and line."""
    limits = limits or Limits()
    if len(data) > limits.size:
        raise BadInput(
            f"is {len(data)} bytes, more than the {limits.size} a manifest may have", where=source
        )
    try:
        return list(_Reader(data.decode(), source, limits).documents())
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput("is not UTF-8 text", where=f"{source}:{line}") from error
    except yaml.YAMLError as error:
        raise _syntax(error, source) from error


def _syntax(error: yaml.YAMLError, source: str) -> BadInput:
    if not isinstance(error, yaml.MarkedYAMLError):
        return BadInput(f"is not YAML: {' '.join(str(error).split())}", where=source)
    mark = error.problem_mark or error.context_mark
    place = f"{source}:{mark.line + 1}" if mark else source
    return BadInput(f"is not YAML: {error.problem or error.context}", where=place)


@dataclasses.dataclass(frozen=True)
class _Anchor:
    value: Any
    lines: Mapping[str, int]
    cost: int


class _Reader:
    """Walks the events of one file; one instance, one pass."""

    def __init__(self, text: str, source: str, limits: Limits) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
        self._source = source
        self._limits = limits
        self._spent = 0
        self._lines: dict[str, int] = {}
        self._anchors: dict[str, _Anchor | None] = {}

    def documents(self) -> Iterator[Document]:
        number = 0
        for event in self._events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            number += 1
            if number > self._limits.documents:
                raise self._refused(event, f"has more than {self._limits.documents} documents")
            self._lines, self._anchors = {}, {}
            first = next(self._events)
            tree = self._value(first, "", 0)
            if tree is not None:
                yield Document(
                    source=self._source,
                    number=number,
                    line=self._line(first),
                    tree=tree,
                    lines=self._lines,
                )

    def _value(self, event: Any, path: str, depth: int) -> Any:
        if depth > self._limits.depth:
            raise self._refused(event, f"is nested deeper than {self._limits.depth} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        anchor, spent, known = event.anchor, self._spent, len(self._lines)
        self._spend(event, 1)
        self._lines.setdefault(path.lower(), self._line(event))
        if anchor:
            self._anchors[anchor] = None
        match event:
            case yaml.ScalarEvent():
                value: Any = self._scalar(event)
            case yaml.SequenceStartEvent():
                self._check_tag(event, list)
                value = self._sequence(path, depth)
            case _:
                self._check_tag(event, dict)
                value = self._mapping(path, depth)
        if anchor:
            newest = itertools.islice(reversed(self._lines.items()), len(self._lines) - known)
            inside = {name[len(path) :]: line for name, line in newest}
            self._anchors[anchor] = _Anchor(value, inside, self._spent - spent)
        return value

    def _alias(self, event: Any, path: str) -> Any:
        if event.anchor not in self._anchors:
            raise self._refused(event, f"alias *{event.anchor} has no anchor before it")
        known = self._anchors[event.anchor]
        if known is None:
            raise self._refused(event, f"alias *{event.anchor} contains itself")
        self._spend(event, known.cost)
        for name, line in known.lines.items():
            self._lines.setdefault(path.lower() + name, line)
        return known.value

    def _sequence(self, path: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, f"{path}[{len(items)}]", depth + 1))
        return items

    def _mapping(self, path: str, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(key := next(self._events), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                raise self._refused(key, "a key must be text")
            name = key.value
            if name == "<<" and key.implicit[0]:
                merged = {**self._merge(key, path, depth), **merged}
                continue
            if name in own:
                raise self._refused(key, f"key {name!r} is there twice")
            field = f"{path}.{name}" if path else name
            self._lines[field.lower()] = self._line(key)
            own[name] = self._value(next(self._events), field, depth + 1)
        return {**merged, **own}

    def _merge(self, key: Any, path: str, depth: int) -> dict[str, Any]:
        value = self._value(next(self._events), path, depth + 1)
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, dict) for part in parts):
            raise self._refused(key, "'<<' merges mappings only")
        return {name: item for part in reversed(parts) for name, item in part.items()}

    def _scalar(self, event: Any) -> Any:
        if event.tag is None:
            return resolve(event.value) if event.implicit[0] else event.value
        wanted = _PLAIN_TAGS.get(event.tag)
        if wanted is str:
            return event.value
        value = resolve(event.value)
        if wanted is float and type(value) is int:
            return float(value)
        if wanted is None or type(value) is not wanted:
            raise self._refused(event, f"tag {event.tag!r} is not taken here")
        return value

    def _check_tag(self, event: Any, wanted: type) -> None:
        if event.tag is not None and _PLAIN_TAGS.get(event.tag) is not wanted:
            raise self._refused(event, f"tag {event.tag!r} is not taken here")

    def _spend(self, event: Any, cost: int) -> None:
        self._spent += cost
        if self._spent > self._limits.nodes:
            raise self._refused(
                event, f"has more than {self._limits.nodes} values, its aliases expanded"
            )

    def _refused(self, event: Any, message: str) -> BadInput:
        return BadInput(message, where=f"{self._source}:{self._line(event)}")

    def _line(self, event: Any) -> int:
        line: int = event.start_mark.line
        return line + 1
