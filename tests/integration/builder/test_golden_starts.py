"""Every golden command line is taken by the real QEMU, with files of the formats it states."""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from virtcrds import VirtualMachineInstance, default
from virtlauncher.builder.plan import plan
from virtlauncher.builder.prepared import Layer, Prepared
from virtlauncher.facts import Facts
from virtlauncher.jsonable import from_jsonable

GOLDEN = Path(__file__).parents[2] / "golden" / "argv"
WORLD = yaml.safe_load((GOLDEN / "_world.yaml").read_text())
TREES = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(GOLDEN.glob("[a-z]*.yaml"))}
OVMF = Path("/usr/share/OVMF")

pytestmark = pytest.mark.qemu


def _cases() -> list[Any]:
    """All but those that need hardware (`starts: false`): KVM, vhost, huge pages, a SCSI LUN."""
    return [
        pytest.param(tree, id=name, marks=[pytest.mark.root] if tree.get("root") else [])
        for name, tree in TREES.items()
        if tree.get("starts", True)
    ]


@pytest.mark.parametrize("tree", _cases())
def test_qemu_takes_the_command_line(
    tree: dict[str, Any], start: Any, tap: Callable[[int], list[int]], tmp_path: Path
) -> None:
    facts = Facts.from_json(
        WORLD["facts"] | tree.get("facts", {}) | {"qemu": _qemu(tree), "state_dir": str(tmp_path)}
    )
    tree.setdefault("prepared", {})
    if tree["prepared"].get("tpm_dir"):
        tree["prepared"]["tpm_dir"] = str(tmp_path)
    prepared = from_jsonable(Prepared, tree["prepared"])
    built = plan(default(VirtualMachineInstance.from_json(tree["vmi"])), facts, prepared)
    with _opened(prepared, facts, tap, tmp_path) as files, start(built, files) as machine:
        status = machine.execute("query-status")["status"]
        assert status == ("inmigrate" if built.incoming else "prelaunch")
        block = {one["qdev"].removeprefix("/machine/peripheral/"): one for one in _blocks(machine)}
        for disk in built.disks:
            shown = next(one for id, one in block.items() if id.split("/")[0] == disk.device)
            assert shown["inserted"]["ro"] is disk.readonly
            assert shown["inserted"]["image"]["virtual-size"] == disk.size
        assert machine.quit() == 0


def _qemu(tree: Mapping[str, Any]) -> dict[str, Any]:
    return dict(WORLD["facts"]["qemu"] | tree.get("facts", {}).get("qemu", {}))


def _blocks(machine: Any) -> list[dict[str, Any]]:
    return [one for one in machine.execute("query-block") if one.get("inserted")]


@contextlib.contextmanager
def _opened(
    prepared: Prepared, facts: Facts, tap: Callable[[int], list[int]], folder: Path
) -> Iterator[dict[str, int]]:
    """Descriptors by the names that the case uses."""
    with contextlib.ExitStack() as stack:
        files: dict[str, int] = {}

        def add(name: str, path: Path, flags: int) -> None:
            files[name] = os.open(path, flags | os.O_CLOEXEC)
            stack.callback(os.close, files[name])

        for number, disk in enumerate(prepared.disks.values()):
            direct = os.O_DIRECT if disk.direct else 0
            for index, layer in enumerate(disk.layers):
                path = _image(folder / f"{number}-{index}", layer, disk.size)
                add(layer.readonly_fd, path, os.O_RDONLY | direct)
                if layer.readwrite_fd:
                    add(layer.readwrite_fd, path, os.O_RDWR | direct)
        if prepared.boot is not None:
            for name in filter(None, (prepared.boot.kernel_fd, prepared.boot.initrd_fd)):
                (folder / "kernel").write_bytes(_kernel())
                add(name, folder / "kernel", os.O_RDONLY)
        if prepared.firmware is not None:
            kind = "secboot" if prepared.firmware.secure else ""
            code = f"OVMF_CODE_4M.{kind}.fd" if kind else "OVMF_CODE_4M.fd"
            variables = folder / "vars.fd"
            shutil.copy(OVMF / "OVMF_VARS_4M.fd", variables)
            add(prepared.firmware.code_fd, OVMF / code, os.O_RDONLY)
            add(prepared.firmware.vars_fd, variables, os.O_RDWR)
        for nic in facts.nics.values():
            files |= dict(zip(nic.fds, tap(len(nic.fds)), strict=True))
        yield files


def _kernel() -> bytes:
    """Zeros with the header of a Linux kernel, as QEMU's loader wants it."""
    image = bytearray(64 << 10)
    # Boot protocol 2.12 of Documentation/arch/x86/boot.rst, loaded high, initrd anywhere below 2 G.
    struct.pack_into("<4sH", image, 0x202, b"HdrS", 0x20C)
    struct.pack_into("<B", image, 0x1F1, 4)
    struct.pack_into("<B", image, 0x211, 1)
    struct.pack_into("<I", image, 0x22C, 0x7FFFFFFF)
    return bytes(image)


def _image(path: Path, layer: Layer, size: int) -> Path:
    if layer.format == "qcow2":
        os.spawnlp(
            os.P_WAIT, "qemu-img", "qemu-img", "create", "-q", "-f", "qcow2", str(path), str(size)
        )
    else:
        path.touch()
        os.truncate(path, size)
    return path
