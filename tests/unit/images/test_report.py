"""What the tiny guest prints is read back, wherever a login's prompt got between."""

from __future__ import annotations

from images.guests.report import Line, find_line, parse

CONSOLE = (
    "kubemu-guest: power-button ignored\r\n"
    "kubemu-guest: file path=a%20file size=1\r\n"
    "localhost login: kubemu-guest: down uptime=3.86\r\n"
    "kubemu-guest: unfinis"
)


def test_words_and_values_are_told_apart() -> None:
    assert parse(CONSOLE) == [
        Line(kind="power-button", words=("ignored",), values={}),
        Line(kind="file", words=(), values={"path": "a file", "size": "1"}),
        Line(kind="down", words=(), values={"uptime": "3.86"}),
    ]


def test_a_line_is_found_by_its_values() -> None:
    assert find_line(CONSOLE, "file", size="1") == parse(CONSOLE)[1]
    assert find_line(CONSOLE, "file", size="2") is None
