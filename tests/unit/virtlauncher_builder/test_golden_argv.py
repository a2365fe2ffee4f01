"""Command lines as text files, one option a line, quoted for a shell.

KUBEMU_WRITE_GOLDEN=1 writes them again; the difference is then reviewed as any other change.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from virtcrds import VirtualMachineInstance
from virtlauncher.builder.plan import explain, plan
from virtlauncher.builder.prepared import Prepared
from virtlauncher.facts import Facts

GOLDEN = Path(__file__).parents[2] / "golden" / "argv"
CASES = sorted(path.stem for path in GOLDEN.glob("[a-z]*.yaml"))
NOON = 1_700_000_000.0

Case = tuple[VirtualMachineInstance, Facts, Prepared]


def render_lines(argv: Sequence[str]) -> str:
    lines: list[list[str]] = []
    for word in argv:
        if not lines or (word.startswith("-") and lines[-1] != ["-append"]):
            lines.append([word])
        else:
            lines[-1].append(word)
    return "".join(shlex.join(line) + "\n" for line in lines)


@pytest.mark.parametrize("name", CASES)
def test_the_command_line_is_the_golden_one(name: str, case: Callable[[str], Case]) -> None:
    built = plan(*case(name), now=lambda: NOON)
    golden = GOLDEN / f"{name}.argv"
    if os.environ.get("KUBEMU_WRITE_GOLDEN"):
        golden.write_text(render_lines(built.argv))
    assert render_lines(built.argv) == golden.read_text()


@pytest.mark.parametrize("name", CASES)
def test_every_option_is_explained(name: str, case: Callable[[str], Case]) -> None:
    built = plan(*case(name), now=lambda: NOON)
    explained = explain(*case(name), now=lambda: NOON)
    words = " ".join([built.argv[0], *(one.option_text for one in explained)])
    assert words == " ".join(built.argv)
    assert all(one.group and one.why for one in explained)


@pytest.mark.parametrize("name", CASES)
def test_a_plan_survives_the_wire(name: str, case: Callable[[str], Case]) -> None:
    built = plan(*case(name), now=lambda: NOON)
    assert type(built).from_json(built.to_json()) == built
