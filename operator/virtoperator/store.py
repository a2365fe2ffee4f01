"""What we know of the objects of one kind: packed bodies, and who they belong to.

A body as Python dicts weighs five to eight times its JSON; so the store keeps JSON, and unpacks the
one that is looked at.
"""

from __future__ import annotations

import json
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Json = dict[str, Any]
_GRAVES = 4096
"""Objects that are remembered as gone."""
Index = Callable[[Json], Iterable[str]]
"""The values under which an object is found."""


class Key(NamedTuple):
    """An object's namespace ('' where there is none) and name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class _Entry(NamedTuple):
    uid: str
    version: str
    body: bytes
    values: Mapping[str, frozenset[str]]


def key_of(body: Json) -> Key:
    """The key of an object."""
    meta = body["metadata"]
    return Key(meta.get("namespace", ""), meta["name"])


class Store:
    """The newest known state of every object of one kind. Not thread-safe: one loop owns it."""

    def __init__(self, **indexes: Index) -> None:
        self._indexes = indexes
        self._entries: dict[Key, _Entry] = {}
        self._gone: OrderedDict[str, str] = OrderedDict()
        self._by: dict[str, dict[str, set[Key]]] = {name: defaultdict(set) for name in indexes}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[Key]:
        return iter(list(self._entries))

    def get(self, key: Key) -> Json | None:
        """A copy of the object, the caller's to change."""
        entry = self._entries.get(key)
        return _unpacked(entry) if entry else None

    def uid(self, key: Key) -> str:
        """The object's uid; '' when it is not known."""
        entry = self._entries.get(key)
        return entry.uid if entry else ""

    def by(self, index: str, value: str) -> list[Json]:
        """Copies of the objects found under a value, by name."""
        return [_unpacked(self._entries[key]) for key in self.keys(index, value)]

    def keys(self, index: str, value: str) -> list[Key]:
        """The keys of the objects found under a value, in order."""
        return sorted(self._by[index].get(value, ()))

    def values(self, index: str, key: Key) -> frozenset[str]:
        """The values under which an object is found."""
        entry = self._entries.get(key)
        return entry.values[index] if entry else frozenset()

    def put(self, body: Json) -> bool:
        """Take in an object; False when it is no news: known, or older than what is known."""
        key, meta = key_of(body), body["metadata"]
        version = meta.get("resourceVersion", "")
        known = self._entries.get(key)
        if known and known.uid == meta["uid"] and not _newer(version, known.version):
            return False
        if (last := self._gone.get(meta["uid"])) is not None and not _newer(version, last):
            return False
        self._remove(key)
        entry = _Entry(
            uid=meta["uid"],
            version=version,
            body=_packed(body),
            values={name: frozenset(index(body)) for name, index in self._indexes.items()},
        )
        self._entries[key] = entry
        for name, values in entry.values.items():
            for value in values:
                self._by[name][value].add(key)
        return True

    def drop(self, body: Json) -> bool:
        """The object has gone, or out of our sight; False when that was known.

        It comes back only as something newer than `body`: a list that was asked for earlier may
        still bring it.
        """
        meta = body["metadata"]
        self._gone[meta["uid"]] = meta.get("resourceVersion", "")
        if len(self._gone) > _GRAVES:
            self._gone.popitem(last=False)
        entry = self._entries.get(key_of(body))
        if entry is None or entry.uid != meta["uid"]:
            return False
        self._remove(key_of(body))
        return True

    def _remove(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        for name, values in entry.values.items() if entry else ():
            for value in values:
                keys = self._by[name][value]
                keys.discard(key)
                if not keys:
                    del self._by[name][value]

    def missing(self, present: Iterable[Json], version: str) -> list[Json]:
        """What is known and not in a complete list of that resource version, though not newer."""
        there = {key_of(body) for body in present}
        return [
            _unpacked(entry)
            for key, entry in list(self._entries.items())
            if key not in there and not _newer(entry.version, version)
        ]


def _newer(version: str, than: str) -> bool:
    """Resource versions are etcd's revisions: numbers, on every server there is.

    What is no number counts as news.
    """
    if version.isdecimal() and than.isdecimal():
        return int(version) > int(than)
    return version != than


def _packed(body: Json) -> bytes:
    slim = {**body, "metadata": {k: v for k, v in body["metadata"].items() if k != "managedFields"}}
    return json.dumps(slim, separators=(",", ":")).encode()


def _unpacked(entry: _Entry) -> Json:
    tree = json.loads(entry.body)
    assert isinstance(tree, dict)
    return tree
