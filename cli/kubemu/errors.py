"""What can go wrong in front of the launcher, named for what the person at the terminal can do.

::

    KubemuError              exit status, message (one sentence), where (file, field), hint
    ├── BadInput             a manifest, flag or file that must be changed first
    ├── NotFound             no VM of that name
    ├── Busy                 another VM, or another kubemu, has it
    ├── ImageError           an image that could not be pulled or unpacked
    │   └── BadImage         its content is not acceptable
    ├── LauncherDied         it did not get as far as to listen
    └── Unreachable          the launcher does not answer

Errors of the launcher itself keep their class (`virtlauncher.errors`); both are shown alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from .exits import Exit


@dataclasses.dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong in a manifest."""

    where: str
    """FILE:LINE."""
    field: str
    message: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


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
    """`problems`: everything that is wrong, when it is more than one sentence."""

    def __init__(
        self,
        message: str,
        *,
        where: str = "",
        hint: str = "",
        problems: Sequence[Problem] = (),
    ) -> None:
        if problems and not message:
            message, where = problems[0].message, problems[0].where
        super().__init__(message, where=where, hint=hint)
        self.problems = tuple(problems)


class NotFound(KubemuError):
    pass


class Busy(KubemuError):
    pass


class ImageError(KubemuError):
    exit = Exit.IMAGE


class BadImage(ImageError):
    pass


class LauncherDied(KubemuError):
    exit = Exit.LAUNCH_FAILED


class Unreachable(KubemuError):
    exit = Exit.CRASHED
