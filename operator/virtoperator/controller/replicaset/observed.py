"""What the decision about one replica set depends on."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from ...settings import Settings

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observed:
    replicaset: Json
    own: tuple[Json, ...] = ()
    """VMIs whose controller it is."""
    orphans: tuple[Json, ...] = ()
    """VMIs of its namespace that have no controller."""
    settings: Settings
    now: datetime.datetime
