"""How values look to people: ports, ages, sizes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from virtlauncher.facts import Forward

_GAP = 2
_SIZES = {
    "": 1,
    "Ki": 1 << 10,
    "Mi": 1 << 20,
    "Gi": 1 << 30,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
}
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"))


def render_forward(forward: Forward) -> str:
    """`127.0.0.1:8080 -> 80/tcp`"""
    host = f"{forward.host_address}:{forward.host_port}"
    return f"{host} -> {forward.guest_port}/{forward.protocol}"


def render_size(count: int) -> str:
    """Bytes in the unit that needs the fewest digits and stays exact, as manifests have them."""
    sizes = [f"{count // unit}{name}" for name, unit in _SIZES.items() if count % unit == 0]
    return min(sizes, key=len) if count else "0"


def render_age(since: str, now: datetime | None = None) -> str:
    """`5s`, `12m`, `3h`, `4d`, as kubectl shows ages; empty for no time."""
    try:
        began = datetime.fromisoformat(since.replace("Z", "+00:00"))
    except ValueError:
        return ""
    seconds = max(int(((now or datetime.now(UTC)) - began).total_seconds()), 0)
    for unit, letter in _UNITS:
        if seconds >= 2 * unit:
            return f"{seconds // unit}{letter}"
    return f"{seconds}s"


def render_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell; no spaces at a line's end."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "".join(cell.ljust(width + _GAP) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
