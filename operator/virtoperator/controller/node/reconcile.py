"""What is to be done about one node: (observed) -> actions. Pure."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from ... import conditions, names
from ...kinds import NODE
from ..actions import Action, Again, Failure, Tell
from ..draft import Draft
from ..trees import annotations_of, labels_of

PATIENCE = 300
"""Seconds without a heartbeat after which a node takes no VMs; KubeVirt's number."""
Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observed:
    node: Json
    now: datetime.datetime


def reconcile(seen: Observed) -> list[Action]:
    """A node whose virt-handler is silent is not scheduled to; virt-handler itself undoes that."""
    age = heartbeat_age(seen.node, seen.now)
    if age is None:
        return []
    if age <= PATIENCE:
        return [Again(seconds=PATIENCE - age + 1)]
    if labels_of(seen.node).get(names.SCHEDULABLE) != "true":
        return []
    draft = Draft(NODE, seen.node, seen.now)
    draft.set_label(names.SCHEDULABLE, "false")
    draft.tell(
        Tell(
            about=seen.node,
            reason="NodeUnresponsive",
            message="virt-handler is not responsive, marking node as unresponsive",
        )
    )
    return draft.changes()


def report(seen: Observed, failure: Failure) -> list[Action]:
    """Nothing is made or deleted here that could be refused."""
    return []


def is_lost(node: Json, now: datetime.datetime) -> bool:
    """Whether nothing has been heard of the node's virt-handler for too long."""
    age = heartbeat_age(node, now)
    return age is not None and age > PATIENCE


def heartbeat_age(node: Json, now: datetime.datetime) -> float | None:
    """Seconds since virt-handler was last heard of; None where there has never been one."""
    text = annotations_of(node).get(names.HEARTBEAT)
    if not text:
        return None
    try:
        return (now - conditions.parsed(text)).total_seconds()
    except (TypeError, ValueError):
        return PATIENCE + 1.0
