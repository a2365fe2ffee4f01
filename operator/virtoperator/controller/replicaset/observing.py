"""Reads what the decision about one replica set depends on."""

from __future__ import annotations

from collections.abc import Callable

from ...settings import Settings
from ...store import Key
from ..actions import Action, Failure
from ..clock import Clock, utc_now
from ..stores import Stores
from ..trees import uid_of
from . import reconcile as decisions
from .observed import Observed


class ReplicaSetReconciler:
    """driving.Reconciler of replica sets."""

    def __init__(
        self, stores: Stores, settings: Callable[[], Settings], clock: Clock = utc_now
    ) -> None:
        self._stores = stores
        self._settings = settings
        self._clock = clock

    async def observe(self, key: Key) -> Observed | None:
        replicaset = self._stores.replicasets.get(key)
        if replicaset is None:
            return None
        return Observed(
            replicaset=replicaset,
            own=tuple(self._stores.vmis.by("owner", uid_of(replicaset))),
            orphans=tuple(self._stores.vmis.by("orphan", key.namespace)),
            settings=self._settings(),
            now=self._clock(),
        )

    def reconcile(self, seen: Observed) -> list[Action]:
        return decisions.reconcile(seen)

    def report(self, seen: Observed, failure: Failure) -> list[Action]:
        return decisions.report(seen, failure)
