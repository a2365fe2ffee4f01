"""The layout's rules: what no linter knows about this repository."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def tracked(*patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def test_no_package_sits_directly_in_a_top_level_folder() -> None:
    """`operator/__init__.py` would shadow the standard library; one rule for all is easier."""
    assert [path for path in ROOT.glob("*/__init__.py")] == []


def test_test_folders_are_no_packages() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_no_function_has_a_body_of_more_than_sixty_lines() -> None:
    """A command's table of options in its signature may be long; logic may not."""
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in tracked("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.body[0].lineno + 1 > 60
    ]
    assert long == []


def test_no_module_is_longer_than_five_hundred_lines() -> None:
    long = [
        str(path.relative_to(ROOT))
        for path in tracked("*.py")
        if path.read_text().count("\n") > 500
    ]
    assert long == []


def test_every_relative_link_in_the_documents_leads_somewhere() -> None:
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in tracked("*.md")
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", document.read_text())
        if not (document.parent / target).exists()
    ]
    assert broken == []


def test_every_shell_script_passes_shellcheck() -> None:
    scripts = [
        str(path)
        for path in tracked("tools", ".ci", "images")
        if path.read_bytes().startswith((b"#!/usr/bin/env bash", b"#!/bin/bash"))
    ]
    found = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert found.stdout == ""
