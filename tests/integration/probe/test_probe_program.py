"""`virt-launcher-probe` with the real QEMU of this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from virtlauncher.facts import Qemu
from virtlauncher.jsonable import from_jsonable
from virtlauncher.probe import probe_qemu

pytestmark = pytest.mark.qemu


def _probe(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "virtlauncher.probe", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_facts_of_a_node_are_a_file(tmp_path: Path) -> None:
    out = tmp_path / "new" / "facts.json"
    done = _probe("--out", str(out))
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "KVM is not usable: KVM was not asked for\n",
        "",
    )
    found: dict[str, Any] = json.loads(out.read_text())
    qemu = from_jsonable(Qemu, found.pop("qemu"))
    assert found == {
        "version": 1,
        "kvm": {"usable": False, "why": "KVM was not asked for"},
        "io_uring": found["io_uring"],
    }
    assert qemu.binary == shutil.which("qemu-system-x86_64")
    assert qemu.version >= (7, 2, 0)
    assert qemu.machine_aliases["q35"] in qemu.machines
    assert {"virtio-blk-pci", "virtio-net-pci"} <= set(qemu.devices)
    assert {"max", "qemu64"} <= set(qemu.cpu_models)
    assert {"threads", "native"} <= set(qemu.aio)


def test_answers_are_kept_beside_the_facts(tmp_path: Path) -> None:
    assert _probe("--out", str(tmp_path / "facts.json")).returncode == 0
    assert [path.name.split("-")[0] for path in sorted(tmp_path.iterdir())] == [
        "facts.json",
        "qemu",
    ]
    assert (
        _probe("--out", str(tmp_path / "facts.json"), "--cache", str(tmp_path / "a")).returncode
        == 0
    )
    assert len(list((tmp_path / "a").iterdir())) == 1


def test_a_kernel_that_does_not_boot_is_no_proof(tmp_path: Path) -> None:
    kernel = tmp_path / "vmlinuz"
    kernel.write_bytes(b"this is no kernel")
    out = tmp_path / "facts.json"
    assert _probe("--out", str(out), "--kvm", "--kernel", str(kernel)).returncode == 0
    verdict = json.loads(out.read_text())["kvm"]
    assert verdict["usable"] is False and verdict["why"]


def test_without_qemu_there_are_no_facts(tmp_path: Path) -> None:
    done = _probe("--out", str(tmp_path / "facts.json"), PATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (
        3,
        "virt-launcher-probe: there is no QEMU on this machine\n",
    )
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = _probe("--out", str(tmp_path / "file" / "facts.json"))
    assert done.returncode == 3
    assert done.stderr == f"virt-launcher-probe: {tmp_path}/file: File exists\n"


def test_what_qemu_can_do_is_asked_once(tmp_path: Path) -> None:
    first = probe_qemu("qemu-system-x86_64", tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_text(kept.read_text().replace('"threads"', '"kept"'))
    assert "kept" in probe_qemu("qemu-system-x86_64", tmp_path).aio
    assert "threads" in first.aio
