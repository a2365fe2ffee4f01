"""The node's heartbeat: once a minute, and at once when something about it has changed."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ... import names
from ...kinds import NODE
from ...kube import ApiError, Kube, Patch
from ..errors import NotReady
from ..ground import Devices, Ground
from . import devices, labels

Json = dict[str, Any]
INTERVAL = 60.0
_RETRY = 5.0
_FAREWELL = 5.0

_log = logging.getLogger("virtoperator.handler.node")


class Heartbeat:
    """Says that this node's handler lives, and what the node has."""

    def __init__(
        self, kube: Kube, node: str, facts: Path, place: Devices, ready: Callable[[], str]
    ) -> None:
        """`ready` answers '' or why VMs cannot be taken now."""
        self._kube = kube
        self._node = node
        self._facts = facts
        self._place = place
        self._ready = ready
        self._ground: Ground | None = None
        self._changed = asyncio.Event()

    def ground(self) -> Ground:
        """The node's facts, read when they are first there. Raises NotReady."""
        if self._ground is None:
            self._ground = Ground.read(self._facts)
        return self._ground

    def change(self) -> None:
        """Something about the node may have changed: do not wait for the next beat."""
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled; the node takes no more VMs then."""
        try:
            while True:
                self._changed.clear()
                patience = await self._try_to_beat()
                try:
                    async with asyncio.timeout(patience):
                        await self._changed.wait()
                except TimeoutError:
                    continue
        finally:
            await asyncio.shield(self._say_goodbye())

    async def _try_to_beat(self) -> float:
        try:
            await self._beat()
        except ApiError as error:
            _log.warning("heartbeat: %s", error)
            return _RETRY
        return _RETRY if self._ready() else INTERVAL

    async def _beat(self) -> None:
        ground = self._find_ground()
        kvm = self._place.has(devices.KVM)
        wanted = labels.labels_of(
            ground, ready=not self._ready(), kvm=kvm, flags=devices.cpu_flags()
        )
        node = await self._kube.get(NODE, None, self._node)
        now = datetime.datetime.now(datetime.UTC)
        patch = labels.patch_of(node, wanted, now)
        node = await self._kube.patch(NODE, None, self._node, patch)
        condition = labels.condition_patch(node, ground, kvm=kvm, now=now)
        if condition:
            await self._kube.patch(
                NODE, None, self._node, condition, how=Patch.STRATEGIC, subresource="status"
            )

    def _find_ground(self) -> Ground | None:
        try:
            return self.ground()
        except NotReady as error:
            _log.warning("%s", error)
            return None

    async def _say_goodbye(self) -> None:
        patch: Json = {"metadata": {"labels": {names.SCHEDULABLE: "false"}}}
        try:
            async with asyncio.timeout(_FAREWELL):
                await self._kube.patch(NODE, None, self._node, patch)
        except (ApiError, TimeoutError) as error:
            _log.info("the node is not marked as unschedulable: %s", error)
