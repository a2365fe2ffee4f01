"""What the decision about one pool depends on."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

from ...settings import Settings

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observed:
    pool: Json
    vms: tuple[Json, ...] = ()
    """VMs whose controller it is."""
    vmis: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    """Their VMIs, by name."""
    nodes: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    """The nodes that these run on, by name."""
    settings: Settings
    now: datetime.datetime
