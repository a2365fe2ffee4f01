"""What can go wrong, named for what the caller can do about it.

ClusterError
├── NotPossible     this machine lacks something; nothing was changed; the hint says what to install
├── Busy            another kubemu-cluster works on the same cluster
├── Interrupted     somebody pressed Ctrl-C; what was done stays
└── StepFailed      a step failed: the component and the tail of its log are with it
"""

from __future__ import annotations


class ClusterError(Exception):
    """One sentence for people, and where we know one, a hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotPossible(ClusterError):
    """This machine lacks something; nothing was changed."""


class Busy(ClusterError):
    """Another `kubemu-cluster` is at work on this cluster."""


class Interrupted(ClusterError):
    """Somebody wanted it to end; what was done stays."""


class StepFailed(ClusterError):
    """A component did not do what its step needs."""

    def __init__(self, message: str, *, log: str = "", hint: str = "") -> None:
        super().__init__(message, hint)
        self.log = log

    def __str__(self) -> str:
        return f"{self.message}\n{self.log}" if self.log else self.message
