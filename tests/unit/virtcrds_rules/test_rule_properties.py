"""Properties of the rules over objects nobody would write, drawn from the models themselves."""

from __future__ import annotations

import functools
import random
import types
import typing
from collections.abc import Callable
from typing import Any

import hypothesis
import hypothesis.strategies as st

from virtcrds import (
    InvalidObject,
    KubeVirt,
    Quantity,
    VirtualMachine,
    VirtualMachineInstance,
    config_of,
    default,
    default_vm,
    validate,
    validate_creation,
    validate_update,
    warnings,
)
from virtcrds.base import Model
from virtcrds.catalog import BY_KIND

# fmt: off
TEXTS = (
    "", "a", "root", "default", "virtio", "sata", "scsi", "q35", "pc-q35-7.2", "amd64", "arm64",
    "s390x", "2Mi", "1Gi", "vmx", "require", "Paused", "None", "Equal", "In", "TCP", "/disk/x.img",
    "../x", "~", "/", "a b", "a\nb", "\0", "ü", "a" * 300, "de:ad:00:00:be:af", "10.0.2.0/24",
    "0000:81:01.0", "YWJj", "kubevirt.io/nodeName", "Always",
    "5d307ca9-b3ef-428c-8861-06e72d69f223",
)
NUMBERS = (-(2**31), -1, 0, 1, 2, 3, 512, 4096, 65535, 65536, 2**31 - 1, 2**32 - 1, 2**63 - 1)
QUANTITIES = ("0", "1", "-1", "100m", "1500m", "64", "1M", "64Mi", "1Gi", "3Gi", "1e30", "-1e30")
# fmt: on


@functools.cache
def hints_of(model: type[Model]) -> dict[str, Any]:
    return typing.get_type_hints(model, include_extras=True)


def drawn(annotation: Any, rng: random.Random, depth: int) -> Any:
    """A JSON tree that a field of this type may hold; None where it had better be left out."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return drawn(arguments[0], rng, depth)
    if origin in (typing.Union, types.UnionType):
        return drawn(next(kind for kind in arguments if kind is not type(None)), rng, depth)
    if origin is tuple:
        return [drawn(arguments[0], rng, depth) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
    if origin is dict:
        return {
            rng.choice(TEXTS): drawn(arguments[1], rng, depth) for _ in range(rng.choice((0, 1)))
        }
    if annotation is bool:
        return rng.random() < 0.5
    if annotation is int:
        return rng.choice(NUMBERS)
    if annotation is Quantity:
        return rng.choice(QUANTITIES)
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return tree_of(annotation, rng, depth - 1)
    return rng.choice(TEXTS)


def tree_of(model: type[Model], rng: random.Random, depth: int) -> dict[str, Any]:
    fields = model.model_fields.values()
    names = hints_of(model)
    chosen = {
        name: field.alias or name
        for name, field in model.model_fields.items()
        if field.is_required() or (depth > 0 and rng.random() < 6 / (6 + len(fields)))
    }
    return {alias: drawn(names[name], rng, depth) for name, alias in chosen.items()}


def parsed(model: type[Model], rng: random.Random) -> Any:
    """An object of random fields; odd numbers and words are dropped until it parses."""
    for _ in range(20):
        try:
            return model.from_json(tree_of(model, rng, depth=6))
        except InvalidObject:
            continue
    hypothesis.reject()


randoms = st.integers(0, 2**32).map(random.Random)
quick = hypothesis.settings(
    max_examples=20, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)


@quick
@hypothesis.given(randoms)
def test_no_instance_makes_a_rule_stumble(rng: random.Random) -> None:
    one, other = (parsed(VirtualMachineInstance, rng) for _ in range(2))
    validate(one)
    validate_creation(one, user_is_ours=False)
    validate_update(one, other, user_is_ours=True)
    warnings(one)


@quick
@hypothesis.given(randoms)
def test_no_vm_makes_a_rule_stumble(rng: random.Random) -> None:
    one, other = (parsed(VirtualMachine, rng) for _ in range(2))
    validate(one)
    validate_update(one, other, user_is_ours=True)
    warnings(one)
    filled = default_vm(one, firmware_uuid="u", firmware_serial="s")
    assert default_vm(filled, firmware_uuid="v", firmware_serial="t") == filled


@quick
@hypothesis.given(randoms)
def test_no_other_kind_makes_a_rule_stumble(rng: random.Random) -> None:
    model = rng.choice(sorted(BY_KIND.values(), key=lambda known: known.kind)).model()
    one, other = (parsed(model, rng) for _ in range(2))
    validate(one)
    validate_update(one, other, user_is_ours=False)
    warnings(one)
    if isinstance(one, KubeVirt):
        config_of(one)


@quick
@hypothesis.given(randoms)
def test_defaulting_twice_is_defaulting_once_and_changes_no_verdict(rng: random.Random) -> None:
    vmi = parsed(VirtualMachineInstance, rng)
    filled = default(vmi, firmware_uuid="5d307ca9-b3ef-428c-8861-06e72d69f223")
    assert default(filled) == filled
    assert default(filled).to_json() == filled.to_json()
    assert validate(filled) == validate(vmi)
    assert VirtualMachineInstance.from_json(filled.to_json()).to_json() == filled.to_json()


@quick
@hypothesis.given(randoms)
def test_every_violation_has_a_field_and_a_line_for_its_reader(rng: random.Random) -> None:
    for violation in validate(parsed(VirtualMachineInstance, rng)):
        assert violation.field.startswith(("spec", "metadata"))
        assert violation.message.isprintable()
        assert len(violation.message) < 1100
        assert violation.reason.startswith("FieldValue")


@quick
@hypothesis.given(st.text(), st.sampled_from(["hostname", "subdomain", "schedulerName"]))
def test_no_text_makes_a_rule_stumble(text: str, field: str) -> None:
    tree = {"metadata": {"name": "vm"}, "spec": {"domain": {"devices": {}}, field: text}}
    try:
        vmi = VirtualMachineInstance.from_json(tree)
    except InvalidObject:
        hypothesis.reject()
    for violation in validate(vmi):
        assert violation.message.isprintable()


def test_a_valid_instance_stays_valid(make_vmi: Callable[..., VirtualMachineInstance]) -> None:
    assert validate(default(make_vmi())) == []
