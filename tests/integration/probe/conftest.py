"""A QEMU that claims to have KVM: a program that a test writes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from virtlauncher.facts import Qemu

Pretend = Callable[[str], Qemu]


@pytest.fixture
def pretend(tmp_path: Path) -> Pretend:
    """A QEMU whose program is these lines of Python."""

    def make(code: str) -> Qemu:
        path = tmp_path / "qemu"
        path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{code}\n")
        path.chmod(0o755)
        return Qemu(binary=str(path), version=(10, 0, 0))

    return make


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """A /dev/kvm that opens."""
    path = tmp_path / "kvm"
    path.touch()
    return path
