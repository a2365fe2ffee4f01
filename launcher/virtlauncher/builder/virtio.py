"""Names of virtio's PCI devices: modern ones, or with the legacy interface for old guests."""

from __future__ import annotations

from .devices import Slot
from .given import Given


def virtio_driver(given: Given, kind: str) -> str:
    """E.g. 'blk' → 'virtio-blk-pci-non-transitional'."""
    legacy = given.devices.use_virtio_transitional
    return f"virtio-{kind}-pci-{'transitional' if legacy else 'non-transitional'}"


def virtio_slot(given: Given, modern: Slot = Slot.PORT) -> Slot:
    """Legacy virtio is conventional PCI: behind a root port it would need I/O space."""
    return Slot.ROOT if given.devices.use_virtio_transitional else modern
