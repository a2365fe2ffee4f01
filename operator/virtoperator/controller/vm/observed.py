"""What the decision about one VM depends on."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from ...settings import Settings

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observed:
    vm: Json
    vmi: Json | None = None
    """The VMI that it made; another of the same name does not count."""
    started_from: Json | None = None
    """Data of the ControllerRevision that the VMI was started from, when the VM has changed."""
    revisions: tuple[Json, ...] = ()
    """The ControllerRevisions of its starts, when there is no VMI."""
    settings: Settings
    now: datetime.datetime
