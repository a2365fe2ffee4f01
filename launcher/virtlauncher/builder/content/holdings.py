"""What one `prepare` has opened and made, and how to undo it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path


class Holdings:
    """Descriptors by name, and the way back for everything made.

    `close` closes the descriptors, and what was made stays for good; `undo` removes it, newest
    first. Whichever comes first counts.
    """

    def __init__(self) -> None:
        self.descriptors: dict[str, int] = {}
        self._undo = contextlib.ExitStack()
        self._needed = contextlib.ExitStack()

    def hold(self, name: str, fd: int) -> str:
        """Own *fd* under *name* from now on; returns the name."""
        if name in self.descriptors:
            os.close(fd)
            raise ValueError(f"two descriptors are called {name!r}")
        self.descriptors[name] = fd
        return name

    def on_undo(self, step: Callable[[], None]) -> None:
        self._undo.callback(step)

    def keep_for_undo(self, fd: int) -> int:
        """A copy of *fd* that stays open as long as an undo may need it."""
        copy = os.dup(fd)
        self._needed.callback(os.close, copy)
        return copy

    def made(self, path: Path) -> str:
        """*path* exists since now, for this VM only; returns it as text."""
        self.on_undo(lambda: path.unlink(missing_ok=True))
        return str(path)

    def close(self) -> None:
        self._undo.pop_all()
        self._close_descriptors()

    def undo(self) -> None:
        self._undo.close()
        self._close_descriptors()

    def _close_descriptors(self) -> None:
        while self.descriptors:
            os.close(self.descriptors.popitem()[1])
        self._needed.close()
