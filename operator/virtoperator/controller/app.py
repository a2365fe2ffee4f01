"""virt-controller put together: everything is made here, owned here, and ended here."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import logging
import signal
import time
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry

from .. import installation, names
from ..kinds import DAEMON_SET, DEPLOYMENT, KUBEVIRT, NODE, POD, POOL, REPLICASET, VM, VMI, Kind
from ..kube import ApiError, Kube, Server, connected
from ..leases import Elector
from ..metrics import QueueMetrics
from ..recorder import Recorder
from ..serving import Health, serving
from ..settings import settings_of
from ..store import Key
from ..watching import Watch, Watcher
from ..workqueue import WorkQueue
from .driving import Driver, Reconciler
from .metrics import ControllerMetrics
from .node.observing import NodeReconciler
from .options import Options
from .performing import Performer
from .pool.observing import PoolReconciler
from .replicaset.observing import ReplicaSetReconciler
from .rivals import rivals
from .routing import Router
from .stores import Stores
from .trees import meta, name_of
from .vm.observing import VmReconciler
from .vmi.observing import VmiReconciler

_PAUSE = 2.0
"""Seconds until the API server is asked again."""
LEASE = "virt-controller"
_LOOP_PATIENCE = 30.0
"""Seconds without a turn of the loop after which we call ourselves dead."""
Json = dict[str, Any]

_log = logging.getLogger("virtoperator.controller")


class Rivals(RuntimeError):
    """KubeVirt itself runs in this cluster."""


async def run(options: Options, server: Server) -> None:
    """Until SIGTERM or SIGINT. Raises Rivals in a group; no VM notices our end."""
    stop = asyncio.Event()
    with _signals(stop):
        async with connected(server) as kube, asyncio.TaskGroup() as tasks:
            work = tasks.create_task(_Controller(options, kube, server).run())
            waiting = tasks.create_task(stop.wait())
            await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
            for task in (work, waiting):
                task.cancel()


class _Controller:
    """The parts, and how they know of each other."""

    def __init__(self, options: Options, kube: Kube, server: Server) -> None:
        self._options = options
        self._kube = kube
        self._stores = Stores()
        self._settings = settings_of(None, options.launcher_image)
        self._registry = CollectorRegistry()
        self._metrics = ControllerMetrics(self._registry, self._stores)
        self._recorder = Recorder(kube, names.CONTROLLER, options.identity)
        self._performer = Performer(kube, self._recorder, self._take)
        self._queues = self._make_queues()
        self._router = Router(self._stores, self._queues)
        self._watches = {watch.kind: watch for watch in self._make_watches()}
        self._watcher = Watcher(kube, server, list(self._watches.values()))
        self._elector = Elector(kube, options.namespace, LEASE, options.identity)
        self._last_turn = time.monotonic()

    async def run(self) -> None:
        async with self._serving(), asyncio.TaskGroup() as tasks:
            tasks.create_task(self._turn(), name="turn")
            tasks.create_task(self._watcher.run(), name="watcher")
            tasks.create_task(self._recorder.run(), name="recorder")
            await self._watcher.synced.wait()
            await self._look_for_rivals()
            self._metrics.ready.set(1)
            while True:
                await self._elector.run(self._lead)

    async def _lead(self) -> None:
        self._metrics.leading.set(1)
        self._router.everything()
        try:
            async with asyncio.TaskGroup() as tasks:
                for queue in self._queues.values():
                    tasks.create_task(queue.run(), name=queue.name)
        finally:
            self._metrics.leading.set(0)

    async def _look_for_rivals(self) -> None:
        while True:
            try:
                workloads = await self._kube.list_all(DEPLOYMENT)
                workloads += await self._kube.list_all(DAEMON_SET)
                break
            except ApiError as error:
                _log.warning("%s", error)
                await asyncio.sleep(_PAUSE)
        if found := rivals(workloads):
            raise Rivals(
                "KubeVirt's own components run in this cluster: "
                f"{', '.join(found)}. Remove KubeVirt first; two masters would fight over every VM."
            )

    def _make_queues(self) -> dict[Kind, WorkQueue[Key]]:
        def settings() -> Any:
            return self._settings

        reconcilers: dict[Kind, Reconciler[Any]] = {
            VM: VmReconciler(self._kube, self._stores, settings),
            VMI: VmiReconciler(self._kube, self._stores, settings, self._take),
            REPLICASET: ReplicaSetReconciler(self._stores, settings),
            POOL: PoolReconciler(self._stores, settings),
            NODE: NodeReconciler(self._stores),
        }
        counted = QueueMetrics(self._registry)
        queues = {
            kind: WorkQueue(
                kind.plural,
                Driver(
                    reconciler,
                    self._performer,
                    functools.partial(self._metrics.failures, kind.kind),
                ).work,
                metrics=counted,
            )
            for kind, reconciler in reconcilers.items()
        }
        kubevirts = WorkQueue(KUBEVIRT.plural, self._tell_installed, metrics=counted)
        return {**queues, KUBEVIRT: kubevirts}

    def _make_watches(self) -> list[Watch]:
        return [
            Watch(
                kind=kind,
                store=store,
                changed=functools.partial(self._changed, kind),
                labels=f"{names.APP}={names.LAUNCHER}" if kind is POD else "",
            )
            for kind, store in self._stores.by_kind.items()
        ]

    def _take(self, kind: Kind, body: Json) -> None:
        """What the API server has answered is as good as an event, and earlier."""
        if watch := self._watches.get(kind):
            watch.take(None, body)

    def _changed(self, kind: Kind, body: Json) -> None:
        if kind is VMI:
            alive = self._stores.vmis.uid(Key(meta(body)["namespace"], name_of(body)))
            (self._metrics.saw if alive else self._metrics.forgot)(body)
        if kind is KUBEVIRT:
            self._configure()
        self._router.changed(kind, body)

    def _configure(self) -> None:
        found = [one for key in self._stores.kubevirts if (one := self._stores.kubevirts.get(key))]
        new = settings_of(found[0] if found else None, self._options.launcher_image, self._settings)
        old, self._settings = self._settings, new
        logging.getLogger().setLevel(new.log_level)
        if old != new:
            self._router.configured()

    async def _tell_installed(self, key: Key) -> None:
        kubevirt = self._stores.kubevirts.get(key)
        if kubevirt is None:
            return
        now = datetime.datetime.now(datetime.UTC)
        status = installation.status_of(kubevirt, self._options.launcher_image, now)
        if status != kubevirt.get("status"):
            changed = await self._kube.patch(
                KUBEVIRT, key.namespace, key.name, {"status": status}, subresource="status"
            )
            self._take(KUBEVIRT, changed)

    def _serving(self) -> contextlib.AbstractAsyncContextManager[None]:
        health = Health(
            alive=self._sickness,
            ready=self._obstacle,
            config_version=lambda: self._settings.resource_version,
        )
        return serving(
            health,
            self._registry,
            address=self._options.address,
            port=self._options.port,
            tls=self._options.tls(),
        )

    def _obstacle(self) -> str:
        """Why we could not lead; '' when we could."""
        return "" if self._watcher.synced.is_set() else "the API server has not been read yet"

    def _sickness(self) -> str:
        still = time.monotonic() - self._last_turn
        return f"the loop stood still for {still:.0f} s" if still > _LOOP_PATIENCE else ""

    async def _turn(self) -> None:
        while True:
            self._last_turn = time.monotonic()
            await asyncio.sleep(_LOOP_PATIENCE / 6)


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
