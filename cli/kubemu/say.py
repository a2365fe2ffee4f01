"""What people see beside the guest's console: status lines on stderr, results on stdout.

Everything that comes from users or guests is printed without control characters: a manifest must
not steer the terminal.
"""

from __future__ import annotations

import json
import re
import sys
from enum import StrEnum
from typing import Any

import rich.console
import rich.text

from virtlauncher.errors import LauncherError

from .errors import BadInput, KubemuError

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


def stderr() -> rich.console.Console:
    """A console for status lines; made when needed, so that tests can replace the stream."""
    return rich.console.Console(stderr=True, soft_wrap=True, highlight=False)


def clean(text: str) -> str:
    """Without control characters, but for line ends and tabs."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def note(text: str) -> None:
    """A line of status."""
    _line("", "", text)


def warn(text: str) -> None:
    _line("warning: ", "yellow", text)


def fail(error: KubemuError | LauncherError) -> None:
    """An expected failure: one sentence, and a hint."""
    problems = error.problems if isinstance(error, BadInput) else ()
    for sentence in problems or (error,):
        _line("error: ", "bold red", str(sentence))
    if error.hint:
        _line("hint: ", "cyan", error.hint)


def result(text: str) -> None:
    """A line of the command's result."""
    sys.stdout.write(clean(text) + "\n")


def result_json(tree: Any) -> None:
    sys.stdout.write(json.dumps(tree, indent=2) + "\n")


def _line(head: str, style: str, text: str) -> None:
    stderr().print(rich.text.Text.assemble((head, style), clean(text)))
