"""Programs of the machine that do one thing and end: ip, mount, losetup, skopeo, kubectl."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .errors import StepFailed

TAIL_LINES = 15


def run(
    argv: Sequence[str | Path],
    *,
    text: str | None = None,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """Runs a program to its end, in a folder if that matters, and returns what it printed.

    Raises StepFailed with what it said when it fails or takes more than two minutes.
    """
    command = [str(word) for word in argv]
    try:
        done = subprocess.run(
            command, input=text, env=env, cwd=folder, capture_output=True, text=True, timeout=120
        )
    except FileNotFoundError:
        raise StepFailed(f"{command[0]} is not installed.") from None
    except subprocess.TimeoutExpired:
        raise StepFailed(f"`{' '.join(command)}` did not end within two minutes.") from None
    if done.returncode:
        raise StepFailed(f"`{' '.join(command)}` failed.", log=tail(done.stderr or done.stdout))
    return done.stdout


def output(argv: Sequence[str | Path]) -> str:
    """What a program printed, without the newline at its end."""
    return run(argv).strip()


def wait_until(condition: Callable[[], bool], *, limit: float, interval: float = 0.1) -> bool:
    """Whether the condition came true within `limit` seconds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(interval)
    return True


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """The last lines: what people need to see of a log."""
    return "\n".join(text.strip().splitlines()[-lines:])


def tail_of(path: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log file that may not exist and may be long."""
    if not path.exists():
        return ""
    with path.open("rb") as handle:
        handle.seek(max(0, path.stat().st_size - 64 * 1024))
        return tail(handle.read().decode(errors="replace"), lines)
