"""Any object of any kind, read and written again, is the same: nothing lost, nothing added."""

from __future__ import annotations

import types
import typing
from typing import Any

import annotated_types
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from virtcrds import Duration, Quantity, VirtualMachineInstance, parse
from virtcrds.base import Model
from virtcrds.catalog import RESOURCES
from virtcrds.names import camel
from virtcrds.resource import Resource
from virtcrds.scalars import Choice, DateTime, IntOrStringShape
from virtcrds.view import vmi_view
from virtcrds.view.reading import View

Strategy = st.SearchStrategy[Any]
TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
SCALARS: dict[Any, Strategy] = {
    bool: st.booleans(),
    float: st.sampled_from((0.5, 1, 2.25)),
    str: TEXT,
    Any: st.sampled_from(({}, {"a": 1}, [1, "x"], "y", 2)),
}
QUANTITIES = st.sampled_from(("0", "1", "100m", "1.5Gi", "2e3", "-1", 5, "1024Mi"))
TIMES = st.sampled_from(("2024-02-03T04:05:06Z", "2024-02-03T04:05:06.789+01:00"))
DURATIONS = st.sampled_from(("0", "5m0s", "1h30m", "1.5s", "-2ms"))


def objects(model: type[Model]) -> Strategy:
    """JSON objects of a model: all required fields, some of the others."""
    fields = {field.alias or camel(name): field for name, field in model.model_fields.items()}
    required = {name: field for name, field in fields.items() if field.is_required()}
    optional = {name: field for name, field in fields.items() if name not in required}

    def chosen(names: set[str]) -> Strategy:
        some = {name: values(optional[name]) for name in names}
        always = {name: values(field) for name, field in required.items()}
        return st.fixed_dictionaries(always | some)

    names = st.sets(st.sampled_from(sorted(optional)), max_size=3) if optional else st.just(set())
    return names.flatmap(chosen)


def values(field: Any) -> Strategy:
    return shaped(field.annotation, tuple(field.metadata))


def shaped(annotation: Any, facts: tuple[Any, ...]) -> Strategy:
    if IntOrStringShape in facts:
        return st.one_of(st.integers(), TEXT)
    if any(isinstance(fact, DateTime) for fact in facts):
        return TIMES
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return shaped(arguments[0], (*arguments[1:], *facts))
    if origin in (typing.Union, types.UnionType):
        return shaped(arguments[0], facts)
    if origin is tuple:
        longest = [fact.max_length for fact in facts if isinstance(fact, annotated_types.MaxLen)]
        items = shaped(arguments[0], ())
        return st.lists(items, max_size=min([2, *longest]))
    if origin is dict:
        return st.dictionaries(TEXT, shaped(arguments[1], ()), max_size=2)
    if annotation is int:
        return st.integers(*bounds(facts))
    return SCALARS[annotation] if annotation in SCALARS else of_class(annotation)


def of_class(annotation: type[Any]) -> Strategy:
    if issubclass(annotation, Quantity):
        return QUANTITIES
    if issubclass(annotation, Duration):
        return DURATIONS
    if issubclass(annotation, Choice):
        return st.sampled_from([choice.value for choice in annotation])
    assert issubclass(annotation, Model)
    return st.deferred(lambda: objects(annotation))


def bounds(facts: tuple[Any, ...]) -> tuple[int, int]:
    low = [int(str(fact.ge)) for fact in facts if isinstance(fact, annotated_types.Ge)]
    high = [int(str(fact.le)) for fact in facts if isinstance(fact, annotated_types.Le)]
    return max([-(2**63), *low]), min([2**63 - 1, *high])


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_an_object_survives_being_read_and_written(resource: Resource, data: st.DataObject) -> None:
    document = data.draw(objects(resource.model())) | {
        "apiVersion": f"{resource.group}/{resource.storage_version}",
        "kind": resource.kind,
    }
    parsed = parse(document)
    assert parsed.object.to_json() == document
    assert parsed.unknown == ()
    assert parse(parsed.object.to_json()).object == parsed.object


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_view_reads_as_the_model_does(data: st.DataObject) -> None:
    document = data.draw(objects(VirtualMachineInstance)) | {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
    }
    assert differences(parse(document).object, vmi_view(document)) == []


def differences(model: Any, view: Any, path: str = "vmi") -> list[str]:
    """Attributes, set or not, that are not the same in both."""
    match model, view:
        case Model(), View():
            names = type(model).model_fields
            pairs = (
                (f"{path}.{name}", getattr(model, name), getattr(view, name)) for name in names
            )
            return [one for place, a, b in pairs for one in differences(a, b, place)]
        case tuple(), tuple() if len(model) == len(view):
            pairs = (
                (f"{path}[{i}]", a, b) for i, (a, b) in enumerate(zip(model, view, strict=True))
            )
            return [one for place, a, b in pairs for one in differences(a, b, place)]
    return [] if model == view else [f"{path}: {model!r} is not {view!r}"]
