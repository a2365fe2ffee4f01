"""Quantities mean what Kubernetes takes them to mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtcrds import Quantity

LARGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("0", 0),
        ("-0", 0),
        ("1", 10**9),
        ("+1", 10**9),
        ("1.", 10**9),
        (".5", 5 * 10**8),
        ("0.5", 5 * 10**8),
        ("0.1", 10**8),
        ("100m", 10**8),
        ("1500m", 1_500_000_000),
        ("-64Mi", -(64 << 20) * 10**9),
        ("128974848", 128_974_848 * 10**9),
        ("129e6", 129_000_000 * 10**9),
        ("129M", 129_000_000 * 10**9),
        ("128974848000m", 128_974_848 * 10**9),
        ("123Mi", 128_974_848 * 10**9),
        ("1.5Gi", 1_610_612_736 * 10**9),
        ("1.1Ki", 1_126_400_000_000),
        ("0.5Ki", 512 * 10**9),
        ("1k", 1000 * 10**9),
        ("1E", 10**18 * 10**9),
        ("1e3", 1000 * 10**9),
        ("1E3", 1000 * 10**9),
        ("1E+3", 1000 * 10**9),
        ("12e-1", 1_200_000_000),
        ("1u", 1000),
        ("1n", 1),
        ("0.1n", 1),
        ("-0.1n", -1),
        ("5e-10", 1),
        ("1e-100000", 1),
        ("0e100000", 0),
        ("7Ei", (7 << 60) * 10**9),
        ("8Ei", LARGEST * 10**9),
        ("-8Ei", -LARGEST * 10**9),
        ("10E", LARGEST * 10**9),
        ("1e1000000000", LARGEST * 10**9),
    ],
)
def test_text_is_read_as_kubernetes_reads_it(text: str, nano: int) -> None:
    assert Quantity(text).nano == nano


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "1 ", " 1", "1\n", "1 Gi", "Gi", ".", "+", "-", "--1", "1-", "1.2.3"),
        *("1gi", "1KI", "1K", "1Mib", "1e", "1ee3", "1e1.5", "1e3Mi", "1i", "0x10", "1_000"),
        *("١", "１Gi", "ten", "NaN", "inf", "9" * 200, "1e" + "9" * 200),
    ],
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantit"):
        Quantity(text)


@pytest.mark.parametrize(
    ("text", "value", "milli"),
    [
        ("0", 0, 0),
        ("1n", 1, 1),
        ("1500m", 2, 1500),
        ("1500500u", 2, 1501),
        ("-1500m", -2, -1500),
        ("1Gi", 1 << 30, (1 << 30) * 1000),
        ("1.1Ki", 1127, 1_126_400),
    ],
)
def test_whole_units_are_rounded_away_from_zero(text: str, value: int, milli: int) -> None:
    quantity = Quantity(text)
    assert (quantity.value, quantity.milli) == (value, milli)


def test_an_integer_is_a_quantity_too() -> None:
    assert Quantity(1024) == Quantity("1Ki")


def test_comparison_is_by_value_and_the_text_stays() -> None:
    one, other = Quantity("1024Mi"), Quantity("1Gi")
    assert one == other
    assert hash(one) == hash(other)
    assert [str(one), str(other)] == ["1024Mi", "1Gi"]
    assert Quantity("999m") < Quantity(1) < Quantity("1.001")
    assert not Quantity("0m")
    assert one != "1024Mi"


def test_a_quantity_does_not_change() -> None:
    with pytest.raises(AttributeError):
        Quantity("1").raw = "2"


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0"), (1000, "1000"), (1 << 30, "1Gi"), (3 << 29, "1536Mi")]
)
def test_bytes_are_written_with_the_largest_fitting_suffix(amount: int, text: str) -> None:
    assert str(Quantity.of_bytes(amount)) == text


@given(st.integers(0, LARGEST))
def test_bytes_survive_being_written(amount: int) -> None:
    assert Quantity.of_bytes(amount).value == amount


@given(st.decimals(-(10**15), 10**15, places=9, allow_nan=False))
def test_decimals_are_exact_down_to_a_nano(number: object) -> None:
    assert Quantity(f"{number:f}").nano == int(number.scaleb(9))  # type: ignore[attr-defined]


@given(st.text(alphabet="0123456789.+-eEinumkKMGTP", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        quantity = Quantity(text)
    except ValueError:
        return
    assert abs(quantity.value) <= LARGEST
