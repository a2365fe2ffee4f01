"""What is found on a machine by its files, and answers that are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtlauncher.facts import Firmware
from virtlauncher.probe import find_probe_kernel, store
from virtlauncher.probe.firmware import find_firmware


def _touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_firmware_is_a_pair_of_files(tmp_path: Path) -> None:
    assert find_firmware(tmp_path) == Firmware()
    _touch(tmp_path / "OVMF/OVMF_CODE_4M.fd")
    assert find_firmware(tmp_path) == Firmware()
    _touch(tmp_path / "OVMF/OVMF_VARS_4M.fd")
    assert find_firmware(tmp_path) == Firmware(
        efi_code=f"{tmp_path}/OVMF/OVMF_CODE_4M.fd", efi_vars=f"{tmp_path}/OVMF/OVMF_VARS_4M.fd"
    )


def test_a_kernel_that_is_named_comes_first(tmp_path: Path) -> None:
    kernel = _touch(tmp_path / "vmlinuz")
    assert find_probe_kernel([tmp_path / "absent", tmp_path, kernel]) == kernel


def test_an_answer_is_kept_until_what_it_depends_on_changes(tmp_path: Path) -> None:
    program = _touch(tmp_path / "program")
    before = store.key_of(1, store.identity(program))
    kept = tmp_path / "new" / f"{before}.json"
    store.write(kept, {"a": [1]})
    assert store.read(kept) == {"a": [1]}
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    program.write_bytes(b"another")
    assert store.key_of(1, store.identity(program)) != before


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_an_answer_that_cannot_be_read_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    assert store.read(path) is None
    path.write_bytes(content)
    assert store.read(path) is None
