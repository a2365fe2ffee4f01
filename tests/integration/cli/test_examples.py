"""Every manifest of examples/ runs as it stands there.

Those called vm-* stay up: tests/e2e/vm applies them to a cluster.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from images import packing

pytestmark = [pytest.mark.qemu, pytest.mark.guest, pytest.mark.timeout(900)]
FOLDER = Path(__file__).parents[3] / "examples"
EXAMPLES = sorted(path for path in FOLDER.glob("*.yaml") if not path.name.startswith("vm-"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_its_user_data_and_powers_off(
    example: Path, kubemu: Any, registry: Any, tmp_path: Path
) -> None:
    text = example.read_text()
    images = set(re.findall(r"registry:5000/kubemu/(\S+):devel", text))
    packing.publish(images, registry.address)
    claim = tmp_path / "claim"
    claim.mkdir()
    (claim / "disk.img").write_bytes(bytes(1 << 20))
    volumes = ["--volume", f"data={claim}"] if "claimName: data" in text else []
    mirror = f"registry:5000={registry.address}"
    vm = kubemu.start("run", "--accel", "tcg", "--registry-mirror", mirror, str(example), *volumes)
    vm.wait_for("hello from ", limit=600)
    if "poweroff" not in text:
        vm.process.terminate()
    assert vm.end(250) == 0
