"""Where in the manifest we are: every refusal names the field and the volume."""

from __future__ import annotations

from ...errors import BadVolume, LaunchFailed
from ...value import Value

_SHOWN = 200
"""Characters of foreign text that a message carries."""


class Place(Value):
    field: str
    """E.g. 'spec.volumes[0].containerDisk'."""
    subject: str
    """What people call it: "volume 'root'"."""

    def bad(self, message: str, *, hint: str = "") -> BadVolume:
        """The content is not acceptable."""
        return BadVolume(f"{self.subject}: {message}", field=self.field, hint=hint)

    def failed(self, action: str, error: OSError, *, hint: str = "") -> LaunchFailed:
        """This machine could not do it (disk full, read-only, ...): not the manifest's fault."""
        reason = error.strerror or type(error).__name__
        return LaunchFailed(f"{self.subject}: {action}: {reason}", field=self.field, hint=hint)


def shown(text: str | bytes) -> str:
    """Foreign text for a message: one line, printable, bounded."""
    if isinstance(text, bytes):
        text = text.decode(errors="backslashreplace")
    if not text.isprintable():
        text = text.encode("unicode_escape").decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
