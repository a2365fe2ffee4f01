"""How values look to people: ports, ages, sizes."""

from __future__ import annotations

from datetime import UTC, datetime

from virtlauncher.facts import Forward

_UNITS = ((86400, "d"), (3600, "h"), (60, "m"))


def render_forward(forward: Forward) -> str:
    """`127.0.0.1:8080 -> 80/tcp`"""
    host = f"{forward.host_address}:{forward.host_port}"
    return f"{host} -> {forward.guest_port}/{forward.protocol}"


def render_size(count: int) -> str:
    """Bytes in the largest binary unit that keeps a whole number, as manifests have them."""
    for bits, unit in ((30, "Gi"), (20, "Mi"), (10, "Ki")):
        if count and count % (1 << bits) == 0:
            return f"{count >> bits}{unit}"
    return str(count)


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
