"""An object on its way to another state: changed at will, written once, and only if it differs."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from .. import conditions
from ..kinds import Kind
from .actions import Action, Change, Tell
from .trees import Json, copied, merge_patch, meta, name_of


class Draft:
    """A copy of an object's tree, with the helpers that every status needs."""

    def __init__(self, kind: Kind, body: Json, now: datetime.datetime) -> None:
        self.kind = kind
        self.now = now
        self._before = body
        self.tree: Json = copied(body)
        self._told: list[Tell] = []

    @property
    def status(self) -> Json:
        """The status, made where there is none."""
        status = self.tree.setdefault("status", {})
        assert isinstance(status, dict)
        return status

    @property
    def metadata(self) -> Json:
        return meta(self.tree)

    @property
    def conditions(self) -> list[Json]:
        return list(self.status.get("conditions") or ())

    def tell(self, event: Tell) -> None:
        """An event that goes out when the change is written."""
        self._told.append(event)

    def set_condition(self, kind: str, status: bool | str, reason: str, message: str = "") -> None:
        wanted = conditions.condition(kind, status, reason=reason, message=message)
        self._merge([wanted], owned=(kind,))

    def put_condition(self, wanted: Json) -> None:
        """Takes over a condition of another object, but for its times."""
        keys = ("type", "status", "reason", "message")
        self._merge([{key: wanted[key] for key in keys if wanted.get(key)}], owned=())

    def drop_condition(self, *kinds: str) -> None:
        if any(conditions.find(self.conditions, kind) for kind in kinds):
            self._merge([], owned=kinds)

    def set_label(self, key: str, value: str) -> None:
        self.metadata.setdefault("labels", {})[key] = value

    def drop_finalizers(self, *names: str) -> None:
        present = self.metadata.get("finalizers") or []
        kept = [one for one in present if one not in names]
        if kept != present:
            self.metadata["finalizers"] = kept

    def changes(self) -> list[Action]:
        """The one write that is needed, or none."""
        return self._changes(self._before, self.tree, "")

    def changes_by_subresource(self) -> list[Action]:
        """For kinds with a status subresource: one write for what is wished, one for the status."""
        wished, status = dict(self.tree), {"status": self.tree.get("status") or {}}
        before, old = dict(self._before), {"status": self._before.get("status") or {}}
        wished.pop("status", None)
        before.pop("status", None)
        return [*self._changes(before, wished, ""), *self._changes(old, status, "status")]

    def _changes(self, old: Json, new: Json, subresource: str) -> list[Action]:
        patch = merge_patch(old, new)
        if not patch:
            return []
        told, self._told = tuple(self._told), []
        return [
            Change(
                kind=self.kind,
                namespace=self.metadata.get("namespace", ""),
                name=name_of(self.tree),
                patch=patch,
                version=str(meta(self._before).get("resourceVersion", "")),
                subresource=subresource,
                told=told,
            )
        ]

    def _merge(self, wanted: Iterable[Json], owned: Iterable[str]) -> None:
        old: list[dict[str, Any]] = self.conditions
        merged = conditions.merged(old, wanted, owned=owned, now=self.now)
        if merged != old:
            self.status["conditions"] = merged
