"""What can go wrong between virt-handler and one launcher, named for what follows from it.

::

    HandlerError         reason (CamelCase, stable) and one sentence
    ├── NotThere         no launcher listens: not yet, or not any more. Try again, within a limit
    ├── NotOurs          what lies or listens there is not this pod's launcher. Touch nothing
    ├── NotReady         this node cannot start the VM now (no KVM, no facts yet). Try again
    ├── NotSupported     the VM wants what we do not do yet
    └── NetworkFailed    the pod's network could not be connected; nothing of it is left. Try again,
                         unless it is `final`
"""

from __future__ import annotations


class HandlerError(Exception):
    """A failure that a user sees: `reason` is stable, the sentence is for people."""

    reason = "HandlerError"
    final = False
    """Another try cannot help."""


class NotThere(HandlerError):
    reason = "LauncherNotThere"


class NotOurs(HandlerError):
    reason = "LauncherNotTrusted"


class NotReady(HandlerError):
    reason = "NodeNotReady"


class NotSupported(HandlerError):
    reason = "Unsupported"
    final = True


class NetworkFailed(HandlerError):
    def __init__(self, reason: str, message: str, *, final: bool) -> None:
        super().__init__(message)
        self.reason = reason
        self.final = final
