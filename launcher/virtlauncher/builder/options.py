"""QEMU's command line as a list of typed options, each with its reason; rendered once, here.

The only place that knows QEMU's two syntaxes: `key=value` lists, where a comma inside a value is
doubled, and JSON. A user's text is always a value, never a key, so no text can add an option.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from ..errors import Refused
from ..value import Value

ARGUMENT_LIMIT = 128 * 1024 - 1
"""Bytes of one argument that Linux passes to a program (MAX_ARG_STRLEN less its NUL)."""

Scalar = str | int | bool


class Group(StrEnum):
    """The headings under which `explain` shows a command line, in the order of the options."""

    PROCESS = "process"
    MACHINE = "machine"
    CPU = "CPU"
    MEMORY = "memory"
    CLOCK = "clock"
    FIRMWARE = "firmware and boot"
    MONITOR = "monitors"
    PCI = "PCI"
    NETWORK = "network"
    DISKS = "disks"
    CONSOLE = "consoles"
    GRAPHICS = "graphics"
    DEVICES = "other devices"


class Plain(Value, kw_only=False):
    """An option with one value that QEMU takes literally (or with none)."""

    name: str
    value: str | None
    group: Group
    why: str

    def render(self) -> str | None:
        return self.value


class KeyVal(Value, kw_only=False):
    """An option of `key=value` pairs. The key "" is the implied one: its value stands alone."""

    name: str
    values: Mapping[str, Scalar]
    group: Group
    why: str

    def render(self) -> str:
        return ",".join(
            f"{key}={_keyval(value)}" if key else _keyval(value)
            for key, value in self.values.items()
        )


class Json(Value, kw_only=False):
    """An option that QEMU takes as JSON: -object, -blockdev, -netdev, -device, -audiodev."""

    name: str
    tree: Mapping[str, Any]
    group: Group
    why: str

    def render(self) -> str:
        return json.dumps(self.tree, separators=(",", ":"))


Option = Plain | KeyVal | Json


class Explained(Value):
    """One option as `explain` shows it."""

    group: str
    option_text: str
    """As on the command line, not quoted for a shell."""
    why: str


def argv(binary: str, options: Iterable[Option]) -> tuple[str, ...]:
    """The command line. Raises Refused for a text that no program can be started with."""
    words = [binary]
    for option in options:
        words += [word for word in (option.name, option.render()) if word is not None]
    for word in words:
        _check(word)
    return tuple(words)


def explained(options: Iterable[Option]) -> list[Explained]:
    """The same options, in the same order, as text with reasons."""
    return [
        Explained(
            group=option.group,
            option_text=" ".join(filter(None, (option.name, option.render()))),
            why=option.why,
        )
        for option in options
    ]


def _keyval(value: Scalar) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case int():
            return str(value)
        case str():
            return value.replace(",", ",,")


def _check(word: str) -> None:
    try:
        size = len(word.encode())
    except UnicodeEncodeError as error:
        raise Refused(f"a text is no Unicode: {word[:60]!r}") from error
    if "\0" in word:
        raise Refused(f"a text holds a NUL character: {word[:60]!r}")
    if size > ARGUMENT_LIMIT:
        raise Refused(f"a text is longer than {ARGUMENT_LIMIT} bytes: {word[:60]!r}…")
