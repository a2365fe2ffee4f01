"""Bytes of a child's output to log lines: bounded in length, and in number per second."""

from __future__ import annotations

from collections.abc import Iterator

LINE_LIMIT = 2000
LINES_PER_SECOND = 50


class Lines:
    """Splits what is fed into lines of at most LINE_LIMIT characters, control characters shown."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[str]:
        *whole, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:LINE_LIMIT]
        return (line for line in map(printable, whole) if line)

    def flush(self) -> str:
        """What came after the last newline."""
        rest, self._rest = self._rest, b""
        return printable(rest)


def printable(line: bytes) -> str:
    """One line of text that neither a terminal nor a log file can be tricked with."""
    text = line[:LINE_LIMIT].decode(errors="replace").rstrip()
    return "".join(c if c.isprintable() or c == "\t" else f"\\x{ord(c):02x}" for c in text)


class Rate:
    """At most LINES_PER_SECOND in each second; counts what it turned away."""

    def __init__(self) -> None:
        self._second = -1
        self._passed = 0
        self.dropped = 0

    def admit(self, now: float) -> bool:
        if int(now) != self._second:
            self._second, self._passed = int(now), 0
        self._passed += 1
        admitted = self._passed <= LINES_PER_SECOND
        self.dropped += not admitted
        return admitted
