"""`kubemu reset`."""

from __future__ import annotations

from ..calls import call_and_say
from .common import Name, Namespace


def command(name: Name, namespace: Namespace = "") -> None:
    """Reset the machine, as its reset button would: the guest is not asked."""
    call_and_say(name, namespace, "reset", "reset")
