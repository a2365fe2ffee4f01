"""Durations mean what Go takes them to mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtcrds import Duration


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("5s", 5 * 10**9),
        ("+5s", 5 * 10**9),
        ("-5s", -5 * 10**9),
        ("1h30m", 5400 * 10**9),
        ("5m0s", 300 * 10**9),
        ("1.5h", 5400 * 10**9),
        (".5s", 500 * 10**6),
        ("1.s", 10**9),
        ("100ms", 10**8),
        ("2us", 2000),
        ("2µs", 2000),
        ("2μs", 2000),
        ("1ns", 1),
        ("0.1ns", 0),
        ("0.3333333333333333333h", 1_199_999_999_999),
        ("2562047h47m16.854775807s", 2**63 - 1),
    ],
)
def test_text_is_read_as_go_reads_it(text: str, nanoseconds: int) -> None:
    assert Duration(text).nanoseconds == nanoseconds


@pytest.mark.parametrize(
    "text",
    ["", "1", "s", ".s", "1d", "1h 30m", "--1s", "1s-", "1_0s", "１s", "5S", "3000000h", "1s" * 99],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time: invalid duration"):
        Duration(text)


def test_comparison_is_by_length_and_the_text_stays() -> None:
    assert Duration("90m") == Duration("1h30m")
    assert hash(Duration("90m")) == hash(Duration("1h30m"))
    assert str(Duration("90m")) == "90m"
    assert Duration("1s") < Duration("1m")
    assert Duration("1500ms").seconds == 1.5
    assert Duration("0") != "0"


@given(st.integers(0, 2**62))
def test_nanoseconds_are_exact(nanoseconds: int) -> None:
    assert Duration(f"{nanoseconds}ns").nanoseconds == nanoseconds
