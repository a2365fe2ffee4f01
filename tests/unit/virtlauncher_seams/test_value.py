"""Values are dataclasses in all but the price of their definition."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from virtlauncher.value import Value


class Port(Value):
    number: int
    name: str = dataclasses.field(default="", repr=False)
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Named(Port):
    title: str = "none"


class Point(Value, kw_only=False):
    x: int
    y: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Standard:
    number: int
    name: str = dataclasses.field(default="", repr=False)
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)


def test_a_value_is_what_it_was_given_and_its_defaults() -> None:
    port = Port(number=1, labels={"a": "b"})
    assert (port.number, port.name, port.labels) == (1, "", {"a": "b"})
    assert Port(number=1).labels is not Port(number=1).labels


def test_the_tools_of_dataclasses_work() -> None:
    port = dataclasses.replace(Named(number=1), title="x")
    assert port == Named(number=1, title="x")
    assert [field.name for field in dataclasses.fields(Named)] == [
        "number",
        "name",
        "labels",
        "title",
    ]
    assert dataclasses.asdict(port) == dataclasses.asdict(Standard(number=1)) | {"title": "x"}
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_it_is_shown_as_a_dataclass_is_and_keeps_what_is_not_to_be_shown() -> None:
    assert repr(Port(number=1, name="secret")) == repr(Standard(number=1)).replace(
        "Standard", "Port"
    )


def test_values_are_equal_when_their_class_and_fields_are() -> None:
    assert Port(number=1) == Port(number=1)
    assert Port(number=1) != Port(number=2)
    assert Port(number=1) != Named(number=1)
    assert len({Point(1), Point(1, 0), Point(2)}) == 2


@pytest.mark.parametrize(
    ("ordered", "named", "complaint"),
    [
        ((), {}, "missing argument: 'x'"),
        ((), {"x": 1, "z": 2}, "takes no argument z"),
        ((1, 2, 3), {}, "no argument beyond"),
        ((1,), {"x": 1}, "the same twice"),
    ],
)
def test_what_is_given_must_fit(ordered: Any, named: Any, complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        Point(*ordered, **named)


def test_fields_are_given_by_name_unless_the_class_says_otherwise() -> None:
    with pytest.raises(TypeError):
        Port(1)  # type: ignore[call-arg]


def test_a_value_does_not_change() -> None:
    port: Any = Port(number=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        port.number = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del port.number
