"""A name that is swapped all the time: the file that was looked at is used, or none is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from virtlauncher.errors import LauncherError

ROUNDS = 300
MINE, THEIRS = b"mine" * 1024, b"secret" * 1024

SWAPPER = """
import ctypes, os, sys
exchange = ctypes.CDLL(None).renameat2
one, other = sys.argv[1].encode(), sys.argv[2].encode()
print("ready", flush=True)
while True:
    exchange(-100, one, -100, other, 2)
"""


@contextmanager
def swapping(one: Path, other: Path) -> Iterator[None]:
    """A process that exchanges two names as fast as it can."""
    with subprocess.Popen(
        [sys.executable, "-c", SWAPPER, one, other], stdout=subprocess.PIPE
    ) as swapper:
        assert swapper.stdout is not None
        swapper.stdout.readline()
        yield
        swapper.kill()


@pytest.mark.parametrize("swapped", ["folder", "file"])
def test_a_swapped_name_never_leads_elsewhere(
    machine: Any, image_root: Path, tools: Any, swapped: str
) -> None:
    (image_root / "disk" / "x").write_bytes(MINE)
    outside = machine.path("outside/x")
    outside.write_bytes(THEIRS)
    before = tools.look(outside)
    if swapped == "folder":
        one, evil, target = image_root / "disk", image_root / "evil", outside.parent
    else:
        one, evil, target = image_root / "disk" / "x", image_root / "evil", outside
    evil.symlink_to(target)
    machine.add_image(image_root, "/disk/x")
    endings: dict[str, int] = {}
    open_before = tools.open_files()
    with swapping(one, evil):
        for number in range(20 * ROUNDS):
            ending = _ending(machine)
            endings[ending] = endings.get(ending, 0) + 1
            if number >= ROUNDS and len(endings) > 1:
                break
    assert tools.open_files() == open_before
    assert set(endings) <= {"mine", "refused"}
    assert len(endings) == 2, f"the swapper never hit: {endings}"
    assert tools.look(outside) == before


def _ending(machine: Any) -> str:
    try:
        with machine.prepare() as content:
            fd = content.descriptors["disk/root/1/ro"]
            with os.fdopen(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY), "rb") as file:
                return "mine" if file.read() == MINE else "theirs"
    except LauncherError as error:
        assert "is a symbolic link" in error.message
        return "refused"
