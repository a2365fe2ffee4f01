"""What a pull shows: bars to people, lines to logs."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import rich.console

from kubemu.images.progress import measure, show_progress


@pytest.mark.parametrize("terminal", [True, False])
def test_a_pull_is_shown(terminal: bool) -> None:
    screen = io.StringIO()
    console = rich.console.Console(file=screen, force_terminal=terminal, width=120)
    with show_progress(console) as meter:
        for name in ("a:1", "b[red]:1"):
            meter.start(name, 2_000_000)
            meter.advance(name, 1_000_000)
            meter.unpack(name)
            meter.finish(name)
    lines = ["pulling a:1 (2.0 MB)", "pulled a:1", "pulling b[red]:1 (2.0 MB)", "pulled b[red]:1"]
    if terminal:
        assert "\x1b[" in screen.getvalue()
    else:
        assert screen.getvalue().splitlines() == lines


def test_bytes_on_disk_are_counted(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "x").write_bytes(b"12345")
    assert measure(tmp_path) == 5 + (tmp_path / "blobs").stat().st_size
    assert measure(tmp_path / "absent") == 0
