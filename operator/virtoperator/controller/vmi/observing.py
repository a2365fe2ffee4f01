"""Reads what the decision about one VMI depends on."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from ... import conditions, names
from ...kinds import EVENT, NAMESPACE, POD, VMI, Kind
from ...kube import Kube, NotFound
from ...settings import Settings
from ...store import Key
from ..actions import Action, Failure
from ..clock import Clock, utc_now
from ..node.reconcile import is_lost
from ..pod import Quota, quota_of
from ..stores import Stores, claims_of
from ..trees import at, controller_of, is_deleting, labels_of, meta, uid_of
from . import reconcile as decisions
from .observed import Observed, belongs
from .phases import Phase, phase_of
from .podstate import is_placed

_PATIENCE = 8.0
"""Seconds that a placed pod has before its events are read."""
_NEWS = 200.0
"""Seconds for which a warning counts: the kubelet repeats it within two minutes while it holds."""
_OF_SCHEDULER = "FailedScheduling"
Json = dict[str, Any]


class VmiReconciler:
    """driving.Reconciler of VMIs."""

    def __init__(
        self,
        kube: Kube,
        stores: Stores,
        settings: Callable[[], Settings],
        take: Callable[[Kind, Json], None],
        clock: Clock = utc_now,
    ) -> None:
        self._kube = kube
        self._stores = stores
        self._settings = settings
        self._take = take
        self._missing: dict[Key, datetime.datetime] = {}
        """Since when VMIs lack the pod that they should have."""
        self._clock = clock

    async def observe(self, key: Key) -> Observed | None:
        vmi = self._stores.vmis.get(key)
        if vmi is None:
            self._missing.pop(key, None)
            return None
        now = self._clock()
        pods = await self._pods(vmi)
        if phase_of(vmi).before_the_pod and not pods:
            vmi = await self._as_it_is(key)
            if vmi is None:
                return None
            pods = await self._pods(vmi)
        waits = phase_of(vmi).before_the_pod or phase_of(vmi) is Phase.SCHEDULING
        return Observed(
            vmi=vmi,
            pods=pods,
            claims=self._claims(vmi) if waits else {},
            quota=await self._quota(vmi) if phase_of(vmi).before_the_pod else Quota(),
            missing_for=self._missing_for(key, vmi, pods, now),
            owner_exists=self._owner_exists(vmi),
            node_lost=phase_of(vmi).of_the_node and self._node_lost(vmi, now),
            complaint=await self._complaint(pods[0], now) if waits and pods else "",
            settings=self._settings(),
            now=now,
        )

    def reconcile(self, seen: Observed) -> list[Action]:
        return decisions.reconcile(seen)

    def report(self, seen: Observed, failure: Failure) -> list[Action]:
        return decisions.report(seen, failure)

    async def _as_it_is(self, key: Key) -> Json | None:
        """A pod is about to be made: somebody who led may have done so, and it may be over."""
        try:
            vmi = await self._kube.get(VMI, *key)
        except NotFound:
            return None
        self._take(VMI, vmi)
        return vmi

    async def _pods(self, vmi: Json) -> tuple[Json, ...]:
        """Its pods as we know them; when that is none, and it matters, as the API server does."""
        uid = uid_of(vmi)
        known = tuple(pod for pod in self._stores.pods.by("vmi", uid) if belongs(pod, vmi))
        phase = phase_of(vmi)
        expected = phase is Phase.SCHEDULING or phase.of_the_node
        if known or not (expected or is_deleting(vmi)):
            return known
        labels = f"{names.APP}={names.LAUNCHER},{names.CREATED_BY}={uid}"
        found = await self._kube.list_all(POD, meta(vmi)["namespace"], labels=labels)
        for pod in found:
            self._take(POD, pod)
        return tuple(pod for pod in found if belongs(pod, vmi))

    def _missing_for(
        self, key: Key, vmi: Json, pods: tuple[Json, ...], now: datetime.datetime
    ) -> float:
        if pods or not phase_of(vmi).of_the_node:
            self._missing.pop(key, None)
            return 0
        return (now - self._missing.setdefault(key, now)).total_seconds()

    def _claims(self, vmi: Json) -> dict[str, Json]:
        namespace = meta(vmi)["namespace"]
        keys = {name: Key(namespace, name) for name in claims_of(vmi)}
        found = {name: self._stores.claims.get(key) for name, key in keys.items()}
        return {name: claim for name, claim in found.items() if claim is not None}

    async def _quota(self, vmi: Json) -> Quota:
        """The namespace is asked for only where its label matters."""
        namespace = meta(vmi)["namespace"]
        quotas = self._stores.quotas.by("namespace", namespace)
        quota = quota_of(quotas, {})
        if quota.memory:
            quota = quota_of(quotas, labels_of(await self._kube.get(NAMESPACE, None, namespace)))
        return quota

    def _owner_exists(self, vmi: Json) -> bool:
        owner = controller_of(vmi)
        if owner.get("kind") != "VirtualMachine":
            return False
        key = Key(meta(vmi)["namespace"], owner["name"])
        return self._stores.vms.uid(key) == str(owner["uid"])

    def _node_lost(self, vmi: Json, now: datetime.datetime) -> bool:
        node = self._stores.nodes.get(Key("", at(vmi, "status", "nodeName") or ""))
        return node is None or is_lost(node, now)

    async def _complaint(self, pod: Json, now: datetime.datetime) -> str:
        """The kubelet tells in events only why a volume cannot be mounted."""
        started = at(pod, "status", "startTime") or meta(pod).get("creationTimestamp")
        if not started or not is_placed(pod) or at(pod, "status", "phase") != "Pending":
            return ""
        if (now - conditions.parsed(started)).total_seconds() < _PATIENCE:
            return ""
        fields = f"regarding.uid={uid_of(pod)},type=Warning"
        events = await self._kube.list_all(EVENT, meta(pod)["namespace"], fields=fields)
        told = [
            event
            for event in events
            if event.get("reason") != _OF_SCHEDULER and _age(event, now) < _NEWS
        ]
        return str(min(told, key=lambda event: _age(event, now)).get("note", "")) if told else ""


def _age(event: Json, now: datetime.datetime) -> float:
    """Seconds since the event was last seen."""
    last = (
        at(event, "series", "lastObservedTime")
        or event.get("deprecatedLastTimestamp")
        or event.get("eventTime")
        or meta(event)["creationTimestamp"]
    )
    return (now - conditions.parsed(last)).total_seconds()
