"""Every manifest of examples/ runs as it stands there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.qemu, pytest.mark.guest, pytest.mark.timeout(300)]
EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_its_user_data_and_powers_off(
    example: Path, kubemu: Any, tiny: str, tmp_path: Path
) -> None:
    claim = tmp_path / "claim"
    claim.mkdir()
    (claim / "disk.img").write_bytes(bytes(1 << 20))
    volumes = ["--volume", f"data={claim}"] if "claimName: data" in example.read_text() else []
    mirror = f"registry:5000={tiny.partition('/')[0]}"
    vm = kubemu.run("run", "--accel", "tcg", "--registry-mirror", mirror, str(example), *volumes)
    assert vm.process.returncode == 0
    assert "hello from " in vm.out
