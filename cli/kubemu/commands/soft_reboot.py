"""`kubemu soft-reboot`."""

from __future__ import annotations

from .. import say
from ..calls import call
from .common import Name, Namespace


def command(name: Name, namespace: Namespace = "") -> None:
    """Ask the guest to reboot: its agent if there is one, else by the power button."""
    machine, result = call(name, namespace, "soft_reboot")
    asked = "guest agent" if result.get("by") == "agent" else "power button"
    say.note(f"{machine.vm}: asked to reboot, by the {asked}")
