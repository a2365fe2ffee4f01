"""virt-handler put together: everything is made here, owned here, and ended here."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import signal
import ssl
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge

import netplumb

from .. import names
from ..kinds import KUBEVIRT, VMI
from ..kube import Kube, Server, connected
from ..metrics import QueueMetrics
from ..recorder import Recorder
from ..serving import Health, serving
from ..settings import Settings, settings_of
from ..store import Key, Store, key_of
from ..watching import Watch, Watcher
from ..workqueue import WorkQueue
from . import sockets
from .ground import FACTS, Devices
from .launchers import Launchers
from .metrics import VmiMetrics
from .node import devices
from .node.heartbeat import Heartbeat
from .starting import Starter
from .vmis import Vmis

Json = dict[str, Any]
_LOOP_PATIENCE = 30.0
"""Seconds without a turn of the loop after which we call ourselves dead."""

_log = logging.getLogger("virtoperator.handler")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Where virt-handler runs and what it finds there."""

    node: str
    pods: Path = sockets.PODS
    facts: Path = FACTS
    devices: Path = Path("/dev")
    address: str = "::"
    port: int = 8443
    certificate: str = ""
    key: str = ""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Options:
        """From the environment: NODE_NAME, and PODS_DIR, FACTS, DEVICES_DIR, METRICS_ADDRESS,
        METRICS_PORT, TLS_CERT_FILE, TLS_KEY_FILE where they differ. Raises KeyError, ValueError.
        """
        return cls(
            node=environ["NODE_NAME"],
            pods=Path(environ.get("PODS_DIR", sockets.PODS)),
            facts=Path(environ.get("FACTS", FACTS)),
            devices=Path(environ.get("DEVICES_DIR", "/dev")),
            address=environ.get("METRICS_ADDRESS", "::"),
            port=int(environ.get("METRICS_PORT", "8443")),
            certificate=environ.get("TLS_CERT_FILE", ""),
            key=environ.get("TLS_KEY_FILE", ""),
        )

    def tls(self) -> ssl.SSLContext | None:
        if not self.certificate:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


async def run(options: Options, server: Server) -> None:
    """Until SIGTERM or SIGINT. No VM notices."""
    stop = asyncio.Event()
    with _signals(stop):
        async with connected(server) as kube, asyncio.TaskGroup() as tasks:
            work = tasks.create_task(_Handler(options, kube, server).run())
            waiting = tasks.create_task(stop.wait())
            await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
            for task in (work, waiting):
                task.cancel()


class _Handler:
    """The parts, and how they know of each other."""

    def __init__(self, options: Options, kube: Kube, server: Server) -> None:
        self._options = options
        self._settings = Settings()
        self._vmi_store, self._kubevirt_store = Store(), Store()
        registry = CollectorRegistry()
        self._registry = registry
        self._syncs = Counter(
            "kubevirt_vmi_sync", "Reconciles of a VMI", ["namespace", "name"], registry=registry
        )
        self._errors = Counter(
            "kubemu_vmi_sync_errors", "Failed reconciles", ["namespace", "name"], registry=registry
        )
        ready = Gauge("kubevirt_virt_handler_ready_status", "Takes VMIs", registry=registry)
        ready.set_function(lambda: float(not self._obstacle()))
        self._queue: WorkQueue[Key] = WorkQueue("vmi", self._work, metrics=QueueMetrics(registry))
        self._launchers = Launchers(options.pods, self._queue.add)
        self._watcher = Watcher(kube, server, self._watches())
        place = Devices(folder=options.devices)
        self._heartbeat = Heartbeat(kube, options.node, options.facts, place, self._obstacle)
        self._recorder = Recorder(kube, names.HANDLER, options.node)
        self._metrics = VmiMetrics(registry, options.node, self._vmi_store, self._launchers)
        self._vmis = Vmis(
            node=options.node,
            kube=kube,
            store=self._vmi_store,
            launchers=self._launchers,
            starter=Starter(
                ground=self._heartbeat.ground,
                use_emulation=lambda: self._settings.use_emulation,
                plumb=netplumb.connect,
                devices=place,
            ),
            recorder=self._recorder,
        )
        self._last_turn = time.monotonic()

    async def run(self) -> None:
        devices.ensure_tun(self._options.devices)
        with devices.watching(self._heartbeat.change):
            async with self._serving(), self._launchers.running(), asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watcher.run(), name="watcher")
                tasks.create_task(self._recorder.run(), name="recorder")
                tasks.create_task(self._heartbeat.run(), name="heartbeat")
                tasks.create_task(self._turn(), name="turn")
                await self._watcher.synced.wait()
                self._heartbeat.change()
                _log.info("node %s holds %d VMIs", self._options.node, len(self._vmi_store))
                tasks.create_task(self._queue.run(), name="queue")

    def _watches(self) -> list[Watch]:
        return [
            Watch(kind=KUBEVIRT, store=self._kubevirt_store, changed=self._configure),
            Watch(
                kind=VMI,
                store=self._vmi_store,
                changed=lambda vmi: self._queue.add(key_of(vmi)),
                labels=names.node_label(self._options.node),
            ),
        ]

    def _configure(self, _: Json) -> None:
        """The KubeVirt object has changed: every VMI may be concerned."""
        found = [one for key in self._kubevirt_store if (one := self._kubevirt_store.get(key))]
        self._settings = settings_of(found[0] if found else None, "", self._settings)
        logging.getLogger().setLevel(self._settings.log_level)
        for key in self._vmi_store:
            self._queue.add(key)

    async def _work(self, key: Key) -> float | None:
        if key not in self._vmi_store:
            for counter in (self._syncs, self._errors):
                counter.remove(*key)
            return await self._vmis.work(key)
        self._syncs.labels(*key).inc()
        with self._errors.labels(*key).count_exceptions():
            return await self._vmis.work(key)

    def _obstacle(self) -> str:
        """Why VMs cannot be taken now; '' when they can."""
        return "" if self._watcher.synced.is_set() else "the API server has not been read yet"

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
            refresh=self._metrics.refresh,
        )

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
