"""Reads what the decision about one node depends on."""

from __future__ import annotations

from ...store import Key
from ..actions import Action, Failure
from ..clock import Clock, utc_now
from ..stores import Stores
from . import reconcile as decisions
from .reconcile import Observed


class NodeReconciler:
    """driving.Reconciler of nodes."""

    def __init__(self, stores: Stores, clock: Clock = utc_now) -> None:
        self._stores = stores
        self._clock = clock

    async def observe(self, key: Key) -> Observed | None:
        node = self._stores.nodes.get(key)
        if node is None:
            return None
        return Observed(node=node, now=self._clock())

    def reconcile(self, seen: Observed) -> list[Action]:
        return decisions.reconcile(seen)

    def report(self, seen: Observed, failure: Failure) -> list[Action]:
        return decisions.report(seen, failure)
