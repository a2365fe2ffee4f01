"""Reads what the decision about one pool depends on."""

from __future__ import annotations

from collections.abc import Callable

from ...settings import Settings
from ...store import Key
from ..actions import Action, Failure
from ..clock import Clock, utc_now
from ..stores import Stores
from ..trees import at, name_of, uid_of
from . import reconcile as decisions
from .observed import Observed


class PoolReconciler:
    """driving.Reconciler of pools."""

    def __init__(
        self, stores: Stores, settings: Callable[[], Settings], clock: Clock = utc_now
    ) -> None:
        self._stores = stores
        self._settings = settings
        self._clock = clock

    async def observe(self, key: Key) -> Observed | None:
        pool = self._stores.pools.get(key)
        if pool is None:
            return None
        vms = tuple(self._stores.vms.by("owner", uid_of(pool)))
        found = {name_of(vm): self._stores.vmis.get(Key(key.namespace, name_of(vm))) for vm in vms}
        vmis = {name: vmi for name, vmi in found.items() if vmi is not None}
        names = {str(at(vmi, "status", "nodeName") or "") for vmi in vmis.values()} - {""}
        nodes = {name: self._stores.nodes.get(Key("", name)) for name in names}
        return Observed(
            pool=pool,
            vms=vms,
            vmis=vmis,
            nodes={name: node for name, node in nodes.items() if node is not None},
            settings=self._settings(),
            now=self._clock(),
        )

    def reconcile(self, seen: Observed) -> list[Action]:
        return decisions.reconcile(seen)

    def report(self, seen: Observed, failure: Failure) -> list[Action]:
        return decisions.report(seen, failure)
