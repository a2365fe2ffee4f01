"""What a reconcile decides to do: values that `performing` carries out, in order."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any

from ..kinds import Kind
from ..kube import Patch as How

Json = dict[str, Any]


class Tone(StrEnum):
    """The type of a Kubernetes event."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tell:
    """An event about an object, for `kubectl describe`."""

    about: Json
    reason: str
    message: str
    tone: Tone = Tone.NORMAL


@dataclasses.dataclass(frozen=True, kw_only=True)
class Create:
    """Make an object. One that is there already and is ours counts as made."""

    kind: Kind
    body: Json
    told: Tell | None = None
    """Once it is made."""
    failed: Tell | None = None
    """When the API server refuses it; its words are appended to the message."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """Change an object that is as it was seen: `version` is a precondition when given."""

    kind: Kind
    namespace: str
    name: str
    patch: Json
    version: str = ""
    subresource: str = ""
    how: How = How.MERGE
    told: tuple[Tell, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Delete:
    """Delete the object of this uid; one that is gone already is fine."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    grace: int | None = None
    told: Tell | None = None
    failed: Tell | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Again:
    """Reconcile again after so many seconds, although nothing may have changed."""

    seconds: float


Action = Create | Change | Delete | Tell | Again


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failure:
    """An action that the API server refused, for good as far as one can tell."""

    action: Create | Change | Delete
    message: str
