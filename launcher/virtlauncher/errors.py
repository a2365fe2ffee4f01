"""What can go wrong with one virtual machine, named for what the caller can do.

::

    LauncherError            reason (CamelCase, stable), message (one sentence), hint
    ├── Refused              the request is wrong; nothing was opened, made or changed
    │   ├── Unsupported      a field this launcher does not act on yet
    │   └── BadVolume        a disk, image or seed whose content is not acceptable
    ├── LaunchFailed         QEMU (or a helper) did not start; has exit status and last stderr line
    ├── NotNow               the call does not fit the machine's state (e.g. pause while stopping)
    ├── AgentError           the guest agent is absent, slow, or answered nonsense
    ├── MonitorError         QEMU refused a command; carries QEMU's own words
    └── WireError            the peer broke the protocol, or went away
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class LauncherError(Exception):
    """A failure with a stable *reason*, one sentence, and a hint where one is known."""

    reason = "LauncherError"

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.field}: " if self.field else ""
        return f"{head}{self.message}"

    def to_json(self) -> dict[str, Any]:
        """The form in which an error crosses the wire: reason, message, field, hint."""
        return {
            "reason": self.reason,
            "message": self.message,
            "field": self.field,
            "hint": self.hint,
        }


class Refused(LauncherError):
    reason = "Refused"


class Unsupported(Refused):
    reason = "Unsupported"


class BadVolume(Refused):
    reason = "BadVolume"


class LaunchFailed(LauncherError):
    reason = "LaunchFailed"


class NotNow(LauncherError):
    reason = "NotNow"


class AgentError(LauncherError):
    reason = "AgentUnreliable"


class MonitorError(LauncherError):
    reason = "MonitorError"


class WireError(LauncherError):
    reason = "WireError"


_BY_REASON: Mapping[str, type[LauncherError]] = {
    kind.reason: kind
    for kind in (
        Refused,
        Unsupported,
        BadVolume,
        LaunchFailed,
        NotNow,
        AgentError,
        MonitorError,
        WireError,
    )
}


def from_json(tree: Mapping[str, Any]) -> LauncherError:
    """Inverse of `LauncherError.to_json`; an unknown reason keeps its name."""
    kind = _BY_REASON.get(str(tree.get("reason", "")), LauncherError)
    error = kind(
        str(tree.get("message", "")),
        field=str(tree.get("field", "")),
        hint=str(tree.get("hint", "")),
    )
    if kind is LauncherError and tree.get("reason"):
        error.reason = str(tree["reason"])
    return error
