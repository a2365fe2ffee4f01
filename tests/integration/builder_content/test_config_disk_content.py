"""configMap, secret, sysprep, serviceAccount and downwardAPI as small disks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from virtlauncher.facts import Source, SourceKind


def files_of(machine: Any, tools: Any) -> tuple[str, dict[str, bytes]]:
    with machine.prepare() as content:
        data = os.pread(content.descriptors["disk/config/0/ro"], 1 << 24, 0)
        result: tuple[str, dict[str, bytes]] = tools.iso_files(data)
    return result


def source(machine: Any, files: Mapping[str, bytes]) -> Source:
    root = machine.path("config/x").parent
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return Source(kind=SourceKind.DIR, path=str(root))


@pytest.mark.parametrize(
    ("volume", "label"),
    [
        ({"configMap": {"name": "c"}}, "cfgdata"),
        ({"configMap": {"name": "c", "volumeLabel": "OEMDRV"}}, "OEMDRV"),
        ({"secret": {"secretName": "c", "volumeLabel": "x" * 32}}, "x" * 32),
        ({"serviceAccount": {"serviceAccountName": "c"}}, "cfgdata"),
        ({"downwardAPI": {"fields": []}}, "cfgdata"),
    ],
)
def test_a_folder_becomes_a_disk_with_its_label(
    machine: Any, tools: Any, volume: Mapping[str, Any], label: str
) -> None:
    files = {"a.conf": b"1", "sub/b": b"2", "x" * 250: b"", ".hidden": b"no"}
    machine.add("config", volume, source(machine, files))
    del files[".hidden"]
    assert files_of(machine, tools) == (label, files)


def test_an_empty_config_map_is_an_empty_disk(machine: Any, tools: Any) -> None:
    machine.add("config", {"configMap": {"name": "c", "optional": True}}, source(machine, {}))
    assert files_of(machine, tools) == ("cfgdata", {})


def test_sysprep_needs_an_answer_file(machine: Any, tools: Any) -> None:
    machine.add(
        "config", {"sysprep": {"configMap": {"name": "c"}}}, source(machine, {"notes": b""})
    )
    assert machine.refusal().message == (
        "volume 'config': it has neither autounattend.xml nor unattend.xml"
    )
    source(machine, {"Autounattend.xml": b"<x/>"})
    assert files_of(machine, tools) == (
        "unattendCD",
        {"notes": b"", "Autounattend.xml": b"<x/>"},
    )


@pytest.mark.parametrize("label", ["x" * 33, "grüße", "a\nb"])
def test_a_label_that_no_disk_can_carry_is_refused(machine: Any, label: str) -> None:
    volume = {"configMap": {"name": "c", "volumeLabel": label}}
    machine.add("config", volume, source(machine, {}))
    assert machine.refusal().message == (
        "volume 'config': volumeLabel must be at most 32 ASCII characters"
    )


def test_a_fifo_among_the_files_is_refused_and_not_opened(machine: Any) -> None:
    place = source(machine, {"a": b""})
    os.mkfifo(Path(place.path) / "b")
    machine.add("config", {"configMap": {"name": "c"}}, place)
    assert machine.refusal().message == "volume 'config': b is a FIFO, not a regular file"


def test_too_many_files_are_refused(machine: Any) -> None:
    files = {str(number): b"" for number in range(1001)}
    machine.add("config", {"configMap": {"name": "c"}}, source(machine, files))
    assert machine.refusal().message == "volume 'config': it has more than 1000 files"
