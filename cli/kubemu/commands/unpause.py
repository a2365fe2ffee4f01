"""`kubemu unpause`."""

from __future__ import annotations

from ..calls import call_and_say
from .common import Name, Namespace


def command(name: Name, namespace: Namespace = "") -> None:
    """Let a paused VM go on."""
    call_and_say(name, namespace, "resume", "running")
