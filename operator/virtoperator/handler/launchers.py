"""The launchers of this node's VMs: one link for each pod, by the pod's UID."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from ..store import Key
from .link import Link

_log = logging.getLogger("virtoperator.handler")


@dataclasses.dataclass(frozen=True)
class _Followed:
    key: Key
    link: Link
    task: asyncio.Task[None]


class Launchers:
    """Use inside `running`: links live in its task group."""

    def __init__(self, pods: Path, changed: Callable[[Key], None]) -> None:
        """`changed` is told the VMI of which something new is seen."""
        self._pods = pods
        self._changed = changed
        self._followed: dict[str, _Followed] = {}
        self._tasks: asyncio.TaskGroup | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While links may live; all are left at the end, and no VM notices."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                for uid in list(self._followed):
                    self.leave(uid)
                self._tasks = None

    @property
    def links(self) -> Mapping[str, Link]:
        """By the pod's UID."""
        return {uid: one.link for uid, one in self._followed.items()}

    def find(self, uid: str) -> Link | None:
        """The link to a pod's launcher, if there is one."""
        followed = self._followed.get(uid)
        return followed.link if followed else None

    def pods_of(self, key: Key) -> set[str]:
        """UIDs of the pods that are followed for a VMI."""
        return {uid for uid, one in self._followed.items() if one.key == key}

    def follow(self, uid: str, key: Key) -> Link:
        """The link to the launcher in the pod `uid`, which runs the VMI `key`."""
        if found := self.find(uid):
            return found
        assert self._tasks is not None
        link = Link(uid, self._pods, lambda: self._changed(key))
        self._followed[uid] = _Followed(key, link, self._tasks.create_task(link.run(), name=uid))
        return link

    def leave(self, uid: str) -> None:
        """Know nothing of this launcher any more."""
        if followed := self._followed.pop(uid, None):
            followed.task.cancel()
