"""Which volume an I/O error is about, and how often it is worth telling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..plan import Plan

INTERVAL = 1.0
"""Seconds between two reports of the same trouble: a guest may retry thousands of times."""


class IoErrors:
    def __init__(self) -> None:
        self._told: dict[tuple[str, str, str], float] = {}

    def report(self, plan: Plan, data: Mapping[str, Any], now: float) -> dict[str, Any] | None:
        """The wire's io_error for QEMU's BLOCK_IO_ERROR; None when it was told just now."""
        report = {
            "volume": volume_of(plan, data),
            "reason": str(data.get("reason", "")),
            "operation": str(data.get("operation", "")),
        }
        key = (report["volume"], report["reason"], report["operation"])
        if now - self._told.get(key, float("-inf")) < INTERVAL:
            return None
        if len(self._told) >= _KINDS_LIMIT:
            self._told.clear()
        self._told[key] = now
        return {**report, "nospace": data.get("nospace") is True}


_KINDS_LIMIT = 100


def volume_of(plan: Plan, data: Mapping[str, Any]) -> str:
    """The volume of the disk that QEMU's event names; its own name for it when there is none."""
    names = {str(data.get("node-name", "")), str(data.get("device", ""))}
    names.update(str(data.get("qom-path", "")).split("/"))
    for disk in plan.disks:
        if disk.node in names or disk.device in names:
            return disk.volume
    return str(data.get("node-name", ""))
