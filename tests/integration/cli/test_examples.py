"""Every manifest of examples/ runs as it stands there.

Those called vm-* stay up: tests/e2e/vm applies them to a cluster.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.qemu, pytest.mark.guest, pytest.mark.timeout(300)]
FOLDER = Path(__file__).parents[3] / "examples"
EXAMPLES = sorted(path for path in FOLDER.glob("*.yaml") if not path.name.startswith("vm-"))


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
