"""The VMIs of this node, one at a time: observe, reconcile, perform."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import logging
import time
from typing import Any, assert_never

from virtlauncher.errors import NotNow

from .. import names
from ..kinds import POD, VMI
from ..kube import ApiError, Kube, NotFound
from ..logs import about
from ..recorder import Recorder
from ..store import Key, Store
from . import pods, reconcile
from .errors import NotThere
from .launchers import Launchers
from .link import Link
from .reconcile import Action, Now
from .starting import Starter

Json = dict[str, Any]
_log = logging.getLogger("virtoperator.handler")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Vmis:
    """Work on the VMIs in `store`."""

    node: str
    kube: Kube
    store: Store
    launchers: Launchers
    starter: Starter
    recorder: Recorder

    async def work(self, key: Key) -> float | None:
        """Bring one VMI on its way; seconds after which it is due again, if at all."""
        vmi = self.store.get(key)
        followed = self.launchers.pods_of(key)
        uid = pods.own_pod(vmi, self.node, followed) if vmi else ""
        for other in followed - {uid}:
            self.launchers.leave(other)
        if vmi is None or not uid:
            return None
        link = self.launchers.find(uid)
        decision = reconcile.reconcile(vmi, link.seen if link else None, _now())
        try:
            for action in decision.actions:
                await self._perform(action, vmi, key, uid)
        except NotThere as error:
            _log.info("%s", error, extra=about(vmi))  # The link is being made again.
        return decision.again

    async def _perform(self, action: Action, vmi: Json, key: Key, uid: str) -> None:
        link = self.launchers.follow(uid, key)
        match action:
            case reconcile.Follow():
                _log.info("following the launcher in the pod %s", uid, extra=about(vmi))
            case reconcile.Leave():
                self.launchers.leave(uid)
            case reconcile.Start():
                link.begin(self.starter, vmi)
            case reconcile.Shutdown(grace=grace):
                with contextlib.suppress(NotNow):
                    await link.call("shutdown", {"grace": grace})
            case reconcile.Kill():
                await link.kill()
            case reconcile.Resume():
                await link.resume()
            case reconcile.AskPod():
                await self._ask_pod(vmi, uid, link)
            case reconcile.Write(patch=patch):
                await self._write(vmi, patch, link)
            case reconcile.Tell(kind=kind, reason=reason, note=note):
                tell = self.recorder.warning if kind == reconcile.WARNING else self.recorder.normal
                tell(vmi, reason, note)
            case _:
                assert_never(action)

    async def _ask_pod(self, vmi: Json, uid: str, link: Link) -> None:
        """No answer is an answer too: the launcher may be gone with its pod."""
        meta = vmi["metadata"]
        found: list[Json] = []
        try:
            created_by = f"{names.CREATED_BY}={meta['uid']}"
            found = await self.kube.list_all(POD, meta["namespace"], labels=created_by)
        except ApiError as error:
            _log.warning("its pod is not known: %s", error, extra=about(vmi))
        pod = pods.find_pod(found, uid)
        link.note_pod(pods.end_of(pod), pods.addresses_of(pod))

    async def _write(self, vmi: Json, patch: Json, link: Link) -> None:
        meta = vmi["metadata"]
        try:
            written = await self.kube.patch(VMI, meta["namespace"], meta["name"], patch)
        except NotFound:
            _log.info("it is gone", extra=about(vmi))
            return
        self.store.put(written)
        link.note_written()
        phase = patch.get("status", {}).get("phase")
        if phase:
            _log.info("%s", phase, extra=about(vmi))


def _now() -> Now:
    return Now(wall=datetime.datetime.now(datetime.UTC), monotonic=time.monotonic())
