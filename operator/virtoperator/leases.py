"""Leader election by a Lease: one replica works, the others stand by.

The rules are those of client-go: a lease that has not changed for its whole duration *by our own
clock* may be taken, and a leader that cannot renew stops leading before anybody may take over.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

from .kinds import LEASE
from .kube import AlreadyExists, ApiError, Conflict, Kube, NotFound

DURATION = 15.0
"""Seconds after which a lease that is not renewed is free."""
DEADLINE = 10.0
"""Seconds without a renewal after which a leader gives up."""
INTERVAL = 2.0

_log = logging.getLogger("virtoperator.leases")
Json = dict[str, Any]


class Elector:
    """Candidate for one Lease. `run` leads whenever this replica holds it."""

    def __init__(self, kube: Kube, namespace: str, name: str, identity: str) -> None:
        self.leading = False
        self._kube = kube
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._seen: tuple[str, float] = ("", 0.0)
        """The lease's last known version, and when we saw it first (loop time)."""

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Wait for the lease, then lead; returns when leadership is lost or `lead` has ended.

        Cancelled while leading, it gives the lease back, so that another takes over at once.
        """
        while not await self._try():  # noqa: ASYNC110 - the lease is elsewhere: nothing tells us
            await asyncio.sleep(INTERVAL * random.uniform(0.8, 1.2))
        _log.info("%s leads", self._identity)
        self.leading = True
        work = asyncio.ensure_future(lead())
        try:
            await self._keep(work)
        finally:
            self.leading = False
            work.cancel()
            await asyncio.wait({work})
            await self._give_back()
        if not work.cancelled():
            work.result()

    async def _keep(self, work: asyncio.Future[None]) -> None:
        """Renew until it does not succeed for DEADLINE seconds, or the work has ended."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while loop.time() - renewed < DEADLINE and not work.done():
            await asyncio.wait({work}, timeout=INTERVAL)
            began = loop.time()
            if not work.done() and await self._try():
                renewed = began
        if not work.done():
            _log.error("the lease could not be renewed for %.0f s: no longer leading", DEADLINE)

    async def _try(self) -> bool:
        """Take or renew the lease, within INTERVAL or so; whether it is ours now."""
        try:
            async with asyncio.timeout(DEADLINE / 2):
                return await self._take()
        except (AlreadyExists, Conflict):
            return False
        except (ApiError, TimeoutError) as error:
            _log.warning("lease %s: %s", self._name, error or "no answer")
            return False

    async def _take(self) -> bool:
        now = asyncio.get_running_loop().time()
        try:
            lease = await self._kube.get(LEASE, self._namespace, self._name)
        except NotFound:
            await self._kube.create(LEASE, self._lease(None))
            return True
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, now)
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        patience = float(spec.get("leaseDurationSeconds") or DURATION)
        if holder not in ("", self._identity) and now < self._seen[1] + patience:
            return False
        await self._kube.update(LEASE, self._lease(lease))
        return True

    def _lease(self, old: Json | None) -> Json:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        was = (old or {}).get("spec") or {}
        mine = was.get("holderIdentity") == self._identity
        changes = int(was.get("leaseTransitions") or 0)
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": (old or {}).get("metadata")
            or {"name": self._name, "namespace": self._namespace},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": int(DURATION),
                "acquireTime": was.get("acquireTime") if mine else now,
                "renewTime": now,
                "leaseTransitions": changes if mine or old is None else changes + 1,
            },
        }

    async def _give_back(self) -> None:
        try:
            async with asyncio.timeout(INTERVAL):
                lease = await self._kube.get(LEASE, self._namespace, self._name)
                if lease["spec"].get("holderIdentity") == self._identity:
                    lease["spec"]["holderIdentity"] = ""
                    await self._kube.update(LEASE, lease)
        except (ApiError, TimeoutError) as error:
            _log.info("the lease was not given back: %s", error)
