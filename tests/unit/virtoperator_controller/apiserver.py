"""An API server in memory: what the controller's reads and writes rely on, and nothing else.

Resource versions, preconditions, finalizers, graceful deletion of pods, garbage collection by
owner references. It answers `Kube.request`, so everything above that is the real thing.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from tests.unit.virtoperator_controller.objects import NOW, Json, apply_merge, stamp
from virtoperator.controller.trees import copied
from virtoperator.kinds import EVENT, NODE, POD, POOL, PVC, REPLICASET, REVISION, VM, VMI, Kind
from virtoperator.kube import AlreadyExists, Conflict, Kube, NotFound, Patch, Server

KINDS = {kind.plural: kind for kind in (VM, VMI, POD, PVC, NODE, REPLICASET, POOL, REVISION, EVENT)}
Listener = Callable[[str, Kind, Json], None]
Place = tuple[Kind, str, str]


@dataclasses.dataclass
class Api:
    """The objects, and everybody who watches them."""

    now: datetime.datetime = NOW
    objects: dict[Place, Json] = dataclasses.field(default_factory=dict)
    listeners: list[Listener] = dataclasses.field(default_factory=list)
    created: list[Json] = dataclasses.field(default_factory=list)
    """Everything that was ever made, in order."""
    writes: list[str] = dataclasses.field(default_factory=list)
    """What was asked for by `request`, in order."""
    _counter: itertools.count[int] = dataclasses.field(default_factory=lambda: itertools.count(1))

    def get(self, kind: Kind, name: str, namespace: str = "default") -> Json | None:
        found = self.objects.get((kind, namespace, name))
        return copied(found) if found else None

    def all(self, kind: Kind) -> list[Json]:
        return [copied(one) for place, one in self.objects.items() if place[0] is kind]

    def create(self, kind: Kind, body: Json) -> Json:
        meta = body["metadata"]
        place = (kind, meta.get("namespace", ""), meta["name"])
        if place in self.objects:
            raise AlreadyExists(409, "AlreadyExists", f"{meta['name']} exists")
        uid = f"uid-{next(self._counter)}"
        stored = copied(body)
        stored["metadata"].update(uid=uid, creationTimestamp=stamp(self.now), generation=1)
        self.created.append(copied(stored))
        return self._store("ADDED", place, stored)

    def change(self, kind: Kind, namespace: str, name: str, patch: Json) -> Json:
        """A merge patch, with its preconditions."""
        place = (kind, namespace, name)
        if place not in self.objects:
            raise NotFound(404, "NotFound", f"{name} is not there")
        known = self.objects[place]
        wanted = patch.get("metadata", {})
        for field in ("uid", "resourceVersion"):
            if field in wanted and wanted[field] != known["metadata"][field]:
                raise Conflict(409, "Conflict", f"{name} has another {field}")
        changed = apply_merge(known, patch)
        if changed == known:
            return copied(known)
        if changed.get("spec") != known.get("spec"):
            changed["metadata"]["generation"] = known["metadata"]["generation"] + 1
        if "deletionTimestamp" in changed["metadata"] and self._may_go(kind, changed):
            return self._remove(place)
        return self._store("MODIFIED", place, changed)

    def delete(self, kind: Kind, namespace: str, name: str, uid: str = "") -> None:
        place = (kind, namespace, name)
        known = self.objects.get(place)
        if known is None:
            raise NotFound(404, "NotFound", f"{name} is not there")
        if uid and known["metadata"]["uid"] != uid:
            raise Conflict(409, "Conflict", f"{name} has another uid")
        going = copied(known)
        going["metadata"].setdefault("deletionTimestamp", stamp(self.now))
        if self._may_go(kind, going):
            self._remove(place)
        elif going != known:
            self._store("MODIFIED", place, going)

    def vanish(self, kind: Kind, namespace: str, name: str) -> None:
        """The kubelet has ended a pod, or somebody forced a deletion."""
        self._remove((kind, namespace, name))

    def _may_go(self, kind: Kind, body: Json) -> bool:
        """A pod goes when its kubelet says so; one that nobody runs goes at once."""
        if body["metadata"].get("finalizers"):
            return False
        return kind is not POD or not body["spec"].get("nodeName")

    def _store(self, event: str, place: Place, body: Json) -> Json:
        body["metadata"]["resourceVersion"] = str(next(self._counter))
        self.objects[place] = body
        self._announce(event, place[0], body)
        return copied(body)

    def _remove(self, place: Place) -> Json:
        body = self.objects.pop(place)
        body["metadata"]["resourceVersion"] = str(next(self._counter))
        self._announce("DELETED", place[0], body)
        self._collect(body["metadata"]["uid"])
        return copied(body)

    def _collect(self, uid: str) -> None:
        for place, one in list(self.objects.items()):
            owners = one["metadata"].get("ownerReferences") or ()
            if any(owner["uid"] == uid for owner in owners) and place in self.objects:
                self.delete(*place)

    def _announce(self, event: str, kind: Kind, body: Json) -> None:
        for listener in self.listeners:
            listener(event, kind, copied(body))


class MemoryKube(Kube):
    """The real client on top of `Api`."""

    def __init__(self, api: Api) -> None:
        self._server = Server(url="memory:")
        self.api = api

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        media: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> Json:
        kind, namespace, name, subresource = _place(path)
        if method != "GET" and kind is not EVENT:
            self.api.writes.append(f"{method} {kind.plural}{subresource and '/'}{subresource}")
        match method:
            case "GET" if name:
                found = self.api.get(kind, name, namespace)
                if found is None:
                    raise NotFound(404, "NotFound", f"{name} is not there")
                return found
            case "GET":
                return _listed(self.api.all(kind), namespace, query or {})
            case "POST":
                return self.api.create(kind, body)
            case "PATCH":
                if media == Patch.STRATEGIC:
                    body = _strategic(self.api.get(kind, name, namespace), body)
                return self.api.change(kind, namespace, name, body)
            case "DELETE":
                uid = (body.get("preconditions") or {}).get("uid", "")
                self.api.delete(kind, namespace, name, uid)
                return {}
            case _:
                raise NotImplementedError(method)


def _place(path: str) -> tuple[Kind, str, str, str]:
    parts = path.strip("/").split("/")
    parts = parts[3:] if parts[0] == "apis" else parts[2:]
    namespace = ""
    if parts[0] == "namespaces":
        namespace, parts = parts[1], parts[2:]
    plural, name, subresource = (*parts, "", "")[:3]
    return KINDS[plural], namespace, name, subresource


def _listed(bodies: list[Json], namespace: str, query: Mapping[str, str]) -> Json:
    labels = dict(one.split("=") for one in query.get("labelSelector", "").split(",") if one)
    items = [
        body
        for body in bodies
        if namespace in ("", body["metadata"].get("namespace"))
        and labels.items() <= (body["metadata"].get("labels") or {}).items()
    ]
    return {"items": items, "metadata": {"resourceVersion": "0"}}


def _strategic(known: Json | None, patch: Json) -> Json:
    """Conditions are merged by their type."""
    old = ((known or {}).get("status") or {}).get("conditions") or []
    new = patch["status"]["conditions"]
    types = {one["type"] for one in new}
    kept = [one for one in old if one["type"] not in types]
    return {**patch, "status": {"conditions": [*kept, *new]}}
