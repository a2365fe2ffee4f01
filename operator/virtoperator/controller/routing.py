"""Which objects have to be looked at again when one has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ..kinds import NODE, POOL, PVC, REPLICASET, VM, VMI, Kind
from ..store import Key, key_of
from .stores import Stores, claim_key
from .trees import controller_of, meta, name_of
from .vmi.phases import phase_of

Json = dict[str, Any]
_OWNERS = {kind.kind: kind for kind in (VM, VMI, REPLICASET, POOL)}


class Wanted(Protocol):
    """Where keys go that want attention (workqueue.WorkQueue)."""

    def add(self, key: Key, /) -> None: ...


class Router:
    """Adds keys to work queues."""

    def __init__(self, stores: Stores, queues: Mapping[Kind, Wanted]) -> None:
        self._stores = stores
        self._queues = queues

    def changed(self, kind: Kind, body: Json) -> None:
        """The object, its owner, and those that wait for it or live on it."""
        if kind in self._queues:
            self._queues[kind].add(key_of(body))
        self._owner(body)
        if kind is VM:
            # The instance may have lost the one who takes note of its end.
            self._queues[VMI].add(key_of(body))
        elif kind is VMI:
            # A VM may wait for its name, whoever the VMI belongs to.
            self._queues[VM].add(key_of(body))
            self._adopters(body)
        elif kind is PVC:
            for vmi in self._stores.vmis.keys("claim", claim_key(*key_of(body))):
                self._queues[VMI].add(vmi)
        elif kind is NODE:
            for vmi in self._stores.vmis.keys("node", name_of(body)):
                self._queues[VMI].add(vmi)

    def configured(self) -> None:
        """The configuration has changed: what was refused may be possible now."""
        for key in self._stores.vms:
            self._queues[VM].add(key)
        for key in self._stores.vmis:
            vmi = self._stores.vmis.get(key)
            if vmi is not None and phase_of(vmi).before_the_pod:
                self._queues[VMI].add(key)

    def everything(self) -> None:
        """We lead now: nobody knows what was left undone."""
        for kind, queue in self._queues.items():
            for key in self._stores.by_kind[kind]:
                queue.add(key)

    def _adopters(self, vmi: Json) -> None:
        """A VMI without a controller concerns the replica sets of its namespace."""
        if REPLICASET not in self._queues or controller_of(vmi):
            return
        for key in self._stores.replicasets:
            if key.namespace == meta(vmi)["namespace"]:
                self._queues[REPLICASET].add(key)

    def _owner(self, body: Json) -> None:
        owner = controller_of(body)
        kind = _OWNERS.get(owner.get("kind", ""))
        if kind in self._queues and kind is not None:
            key = Key(meta(body).get("namespace", ""), owner["name"])
            if self._stores.by_kind[kind].uid(key) == str(owner.get("uid")):
                self._queues[kind].add(key)
