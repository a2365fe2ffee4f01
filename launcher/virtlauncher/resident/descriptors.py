"""Open descriptors by name, each with one owner, and their way to the plan's fixed numbers."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
from collections.abc import Iterable, Iterator, Mapping

from ..errors import Refused
from ..plan import MONITOR, Descriptor

_RESERVED_END = 1000
"""Numbers from MONITOR up to here belong to plans: nothing of ours may lie there."""


def make_room() -> None:
    """Raise the limit of open files to what the system allows: a plan may bring hundreds."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Descriptors:
    """Owns what is put in, until it is closed."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __enter__(self) -> Descriptors:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, name: str, number: int) -> None:
        """Take over an open descriptor; one that had the name is closed."""
        if MONITOR <= number < _RESERVED_END:
            moved = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _RESERVED_END)
            os.close(number)
            number = moved
        if name in self._numbers:
            os.close(self._numbers[name])
        self._numbers[name] = number

    def update(self, numbers: Mapping[str, int]) -> None:
        """`add` for many."""
        for name, number in numbers.items():
            self.add(name, number)

    def get(self, name: str) -> int | None:
        """The number of a descriptor, which stays ours."""
        return self._numbers.get(name)

    def release(self, name: str) -> int:
        """Give up a descriptor that is there: the caller closes it."""
        return self._numbers.pop(name)

    def all(self) -> Mapping[str, int]:
        """Every descriptor by name; they stay ours."""
        return dict(self._numbers)

    def close(self) -> None:
        while self._numbers:
            os.close(self._numbers.popitem()[1])

    @contextlib.contextmanager
    def at_numbers(self, wanted: Iterable[Descriptor]) -> Iterator[tuple[int, ...]]:
        """Copies at the numbers that a plan has fixed, inheritable, for as long as this lasts.

        Raises Refused for a name that nobody brought, and for a number outside the plan's range.
        """
        made: list[int] = []
        try:
            for descriptor in wanted:
                made.append(self._put(descriptor))
            yield tuple(made)
        finally:
            for number in made:
                os.close(number)

    def _put(self, descriptor: Descriptor) -> int:
        source = self._numbers.get(descriptor.name)
        if source is None:
            raise Refused(f"descriptor {descriptor.name!r} did not come with the request")
        if not MONITOR <= descriptor.number < _RESERVED_END:
            raise Refused(f"descriptor {descriptor.name!r} asks for number {descriptor.number}")
        return os.dup2(source, descriptor.number, inheritable=True)
