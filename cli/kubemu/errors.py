"""What can go wrong in front of the launcher, named for what the person at the terminal can do.

::

    KubemuError              exit status, message (one sentence), where (file, field), hint
    ├── BadInput             a manifest, flag or file that must be changed first
    ├── NotFound             no VM of that name
    ├── Busy                 another VM, or another kubemu, has it
    ├── ImageError           an image that could not be pulled or unpacked
    │   └── BadImage         its content is not acceptable
    └── Unreachable          the launcher does not answer

Errors of the launcher itself keep their class (`virtlauncher.errors`); both are shown alike.
"""

from __future__ import annotations

from .exits import Exit


class KubemuError(Exception):
    """A failure a person can act on: one sentence, where it is, and a hint where one is known."""

    exit = Exit.REFUSED

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class BadInput(KubemuError):
    pass


class NotFound(KubemuError):
    pass


class Busy(KubemuError):
    pass


class ImageError(KubemuError):
    exit = Exit.IMAGE


class BadImage(ImageError):
    pass


class Unreachable(KubemuError):
    exit = Exit.CRASHED
