"""Reads what the decision about one VM depends on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import names
from ...kinds import REVISION
from ...kube import Kube, NotFound
from ...settings import Settings
from ...store import Key
from ..actions import Action, Failure
from ..clock import Clock, utc_now
from ..stores import Stores
from ..trees import at, controller_of, is_deleting, meta, uid_of
from ..vmi.phases import is_final
from . import reconcile as decisions
from .changes import is_current
from .observed import Observed

Json = dict[str, Any]


class VmReconciler:
    """driving.Reconciler of VMs."""

    def __init__(
        self,
        kube: Kube,
        stores: Stores,
        settings: Callable[[], Settings],
        clock: Clock = utc_now,
    ) -> None:
        self._kube = kube
        self._stores = stores
        self._settings = settings
        self._clock = clock

    async def observe(self, key: Key) -> Observed | None:
        vm = self._stores.vms.get(key)
        if vm is None:
            return None
        vmi = self._stores.vmis.get(key)
        if vmi is not None and controller_of(vmi).get("uid") != uid_of(vm):
            vmi = None
        return Observed(
            vm=vm,
            vmi=vmi,
            started_from=await self._started_from(vm, vmi) if vmi else None,
            revisions=() if vmi else await self._revisions(vm),
            settings=self._settings(),
            now=self._clock(),
        )

    def reconcile(self, seen: Observed) -> list[Action]:
        return decisions.reconcile(seen)

    def report(self, seen: Observed, failure: Failure) -> list[Action]:
        return decisions.report(seen, failure)

    async def _started_from(self, vm: Json, vmi: Json) -> Json | None:
        name = at(vmi, "status", "virtualMachineRevisionName")
        if not name or is_final(vmi) or is_current(vm, vmi):
            return None
        try:
            revision = await self._kube.get(REVISION, meta(vm)["namespace"], str(name))
        except NotFound:
            return None
        data = revision.get("data")
        return data if isinstance(data, dict) else None

    async def _revisions(self, vm: Json) -> tuple[Json, ...]:
        """Only where a start may come: it is the one who makes and forgets them."""
        if is_deleting(vm) or at(vm, "spec", "runStrategy") == "Halted":
            return ()
        labels = f"{names.CREATED_BY}={uid_of(vm)}"
        return tuple(await self._kube.list_all(REVISION, meta(vm)["namespace"], labels=labels))
