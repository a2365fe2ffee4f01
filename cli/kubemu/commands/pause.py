"""`kubemu pause`."""

from __future__ import annotations

from ..calls import call_and_say
from .common import Name, Namespace


def command(name: Name, namespace: Namespace = "") -> None:
    """Stop the VM's CPUs; its memory and disks stay as they are."""
    call_and_say(name, namespace, "pause", "paused")
