"""What is typed after a command: arguments of QMP, lines of the shell."""

from __future__ import annotations

from typing import Any

import pytest

from virtlauncher.inside.shell import parse_line
from virtlauncher.inside.words import BadArgument, parse_arguments


@pytest.mark.parametrize(
    ("words", "tree"),
    [
        ([], {}),
        (["a=1", "b=x", 'c="1"', "d=true", "e="], {"a": 1, "b": "x", "c": "1", "d": True, "e": ""}),
        (["a.b=1", "a.c.d=[1, 2]"], {"a": {"b": 1, "c": {"d": [1, 2]}}}),
        (["path=a=b"], {"path": "a=b"}),
    ],
)
def test_arguments_are_read(words: list[str], tree: dict[str, Any]) -> None:
    assert parse_arguments(words) == tree


@pytest.mark.parametrize("words", [["a"], ["=1"], ["a..b=1"], [".a=1"], ["a=1", "a.b=2"]])
def test_arguments_that_are_none_are_refused(words: list[str]) -> None:
    with pytest.raises(BadArgument):
        parse_arguments(words)


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("", None),
        ("  # a remark", None),
        ("query-status", {"execute": "query-status", "arguments": {}}),
        (
            'human-monitor-command command-line="info block"',
            {"execute": "human-monitor-command", "arguments": {"command-line": "info block"}},
        ),
        ("""x a='{"b": 1}'""", {"execute": "x", "arguments": {"a": {"b": 1}}}),
        ('{"execute": "stop"}', {"execute": "stop", "arguments": {}}),
        ('{"execute": "x", "arguments": {"a": 1}}', {"execute": "x", "arguments": {"a": 1}}),
    ],
)
def test_a_line_of_the_shell_is_read(line: str, request_: dict[str, Any] | None) -> None:
    assert parse_line(line) == request_


@pytest.mark.parametrize("line", ["x 'open", "x y", "{", '{"execute": 1}', '{"arguments": {}}'])
def test_a_line_that_means_nothing_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        parse_line(line)
