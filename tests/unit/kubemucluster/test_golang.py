"""Which Go is taken: the machine's where it can build, else the cache's, else none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kubemucluster import golang
from kubemucluster.errors import NotPossible
from kubemucluster.golang import Go
from kubemucluster.programs import MODULES


def a_go(folder: Path, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "go").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "go").chmod(0o755)
    return folder


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose $PATH has our folder only."""
    monkeypatch.setattr(golang, "_FOLDERS", ("",))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def found(machine: Path) -> Go:
    return golang.find(MODULES, machine / "cache", lambda _: None)


def test_the_machines_own_is_taken(machine: Path) -> None:
    a_go(machine / "path", "echo go1.99")
    assert found(machine) == Go(program=str(machine / "path" / "go"), version="go1.99")


def test_one_that_is_too_old_is_passed_over(machine: Path) -> None:
    a_go(machine / "path", "echo 'invalid go version' >&2; exit 1")
    a_go(machine / "cache" / "go" / "bin", "echo go1.98")
    assert found(machine).version == "go1.98"


def test_where_none_can_be_installed_it_is_told(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(NotPossible, match="No Go on this machine builds Kubernetes") as caught:
        found(machine)
    assert "go.dev/dl" in caught.value.hint
