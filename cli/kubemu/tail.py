"""Reading a file that grows, and that may be rotated away while it is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

_INTERVAL = 0.2
_CHUNK = 65536


def tail(path: Path, goes_on: Callable[[], bool]) -> Iterator[bytes]:
    """What is in the file, then what is added, as long as `goes_on()`. Absent is empty."""
    while not path.exists():
        if not goes_on():
            return
        time.sleep(_INTERVAL)
    file = path.open("rb")
    try:
        while True:
            # Asked before the read: what was written before the end is read after it.
            last = not goes_on()
            while data := file.read(_CHUNK):
                yield data
            if last:
                return
            if _rotated(path, file.fileno()):
                file.close()
                file = path.open("rb")
            else:
                time.sleep(_INTERVAL)
    finally:
        file.close()


def _rotated(path: Path, fd: int) -> bool:
    try:
        return path.stat().st_ino != Path(f"/proc/self/fd/{fd}").stat().st_ino
    except FileNotFoundError:
        return False


def lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Whole lines of a byte stream; the last one may lack its end."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)
    if rest:
        yield rest.decode(errors="replace")
