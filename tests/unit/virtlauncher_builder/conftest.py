"""Cases of tests/golden/argv: a VMI, what is known of the machine, and what was prepared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from virtcrds import VirtualMachineInstance, default
from virtcrds.view import vmi_view
from virtlauncher.builder.prepared import Prepared
from virtlauncher.facts import Facts
from virtlauncher.jsonable import from_jsonable

GOLDEN = Path(__file__).parents[2] / "golden" / "argv"

Case = tuple[VirtualMachineInstance, Facts, Prepared]
Make = Callable[[dict[str, Any]], Case]
"""(vmi, facts and prepared as a tree) → the values; facts are completed from _world.yaml."""


@pytest.fixture(scope="session")
def world() -> dict[str, Any]:
    tree = yaml.safe_load((GOLDEN / "_world.yaml").read_text())
    assert isinstance(tree, dict)
    return tree


@pytest.fixture(scope="session")
def make(world: dict[str, Any]) -> Make:
    def made(tree: dict[str, Any]) -> Case:
        facts = world["facts"] | tree.get("facts", {})
        facts["qemu"] = world["facts"]["qemu"] | facts["qemu"]
        return (
            vmi_view(default(VirtualMachineInstance.from_json(tree["vmi"])).to_json()),
            Facts.from_json(facts),
            from_jsonable(Prepared, tree.get("prepared", {})),
        )

    return made


@pytest.fixture(scope="session")
def case(make: Make) -> Callable[[str], Case]:
    """By name."""
    return lambda name: make(yaml.safe_load((GOLDEN / f"{name}.yaml").read_text()))
