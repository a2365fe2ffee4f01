"""What happens in the cluster, led into stores: kopf watches, in a thread of its own.

kopf ends on many errors (401, 404, an error inside a stream) and cancels everything of its loop
when it does. So it has a loop of its own, only says that something changed, and is started again;
nothing is lost with it. Every start, and every now and then, our own list finds what a stream
cannot tell: what was deleted while nobody looked.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import aiohttp
import kopf

from .kinds import Kind
from .kube import ApiError, Kube, Server
from .store import Json, Store

_RESYNC = 600.0
"""Seconds between lists that look for what a stream did not tell."""
_PAUSE = 1.0, 30.0
"""Seconds before kopf is started again: the first time, and at most."""
_FAREWELL = 5.0
"""Seconds for kopf to end its streams."""
_TLS_FAREWELL = 0.25
_STREAMING_LISTS = 34
"""Minor version of the Kubernetes that has streaming lists switched on."""

_log = logging.getLogger("virtoperator.watching")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Watch:
    """One kind of objects, those that a label selector takes, and where they are kept."""

    kind: Kind
    store: Store
    changed: Callable[[Json], None]
    """Called in our loop with an object that is new or has changed, or was there last."""
    labels: str = ""

    def take(self, event: str | None, body: Json) -> None:
        """Take in one event of a stream."""
        news = self.store.drop(body) if event == "DELETED" else self.store.put(body)
        if news:
            self.changed(body)


class Watcher:
    """Keeps the stores of several watches as the cluster is. `run` does the work."""

    def __init__(self, kube: Kube, server: Server, watches: Sequence[Watch]) -> None:
        self.synced = asyncio.Event()
        """Every store has been complete once."""
        self._kube = kube
        self._server = server
        self._watches = watches
        self._streaming = False
        self._relist = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        await self._learn()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_watching())
            tasks.create_task(self._keep_complete())

    async def _learn(self) -> None:
        while True:
            try:
                version = await self._kube.request("GET", "/version")
                break
            except ApiError as error:
                _log.warning("%s", error)
                await asyncio.sleep(_PAUSE[0])
        minor = "".join(c for c in version["minor"] if c.isdecimal())
        self._streaming = int(minor or 0) >= _STREAMING_LISTS

    async def _keep_watching(self) -> None:
        pause = _PAUSE[0]
        while True:
            began = asyncio.get_running_loop().time()
            await self._watch()
            self._relist.set()
            lasted = asyncio.get_running_loop().time() - began
            pause = _PAUSE[0] if lasted > _PAUSE[1] else min(pause * 2, _PAUSE[1])
            _log.warning("watching ended after %.0f s; it begins again in %.0f s", lasted, pause)
            await asyncio.sleep(pause)

    async def _watch(self) -> None:
        """One life of kopf, in its thread; cancelling ends it."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        stop = threading.Event()

        def live() -> None:
            try:
                asyncio.run(self._operate(loop, stop))
            except Exception as error:
                _log.warning("watching failed: %s", error)
            finally:
                loop.call_soon_threadsafe(_finish, ended)

        thread = threading.Thread(target=live, name="kopf", daemon=True)
        thread.start()
        try:
            await asyncio.shield(ended)
        finally:
            stop.set()
            await asyncio.wait({ended}, timeout=_FAREWELL)

    async def _operate(self, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> None:
        await kopf.operator(
            registry=_registry(self._server, self._watches, loop),
            settings=_settings(self._watches, self._streaming),
            clusterwide=True,
            standalone=True,
            # kopf would ask who runs it, and a container's user has no name.
            identity=cast(Any, "virtoperator"),
            stop_flag=stop,
        )
        # aiohttp closes TLS connections a moment after their session; this loop is its last.
        await asyncio.sleep(_TLS_FAREWELL)

    async def _keep_complete(self) -> None:
        while True:
            self._relist.clear()
            try:
                for watch in self._watches:
                    await self._complete(watch)
                self.synced.set()
                patience = _RESYNC * random.uniform(0.8, 1.2)
            except ApiError as error:
                _log.warning("%s", error)
                patience = _PAUSE[0]
            try:
                async with asyncio.timeout(patience):
                    await self._relist.wait()
            except TimeoutError:
                continue

    async def _complete(self, watch: Watch) -> None:
        bodies, version = await self._kube.snapshot(watch.kind, labels=watch.labels)
        for body in bodies:
            watch.take(None, body)
        for body in watch.store.missing(bodies, version):
            watch.take("DELETED", body)


def _finish(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)


def _registry(
    server: Server, watches: Sequence[Watch], loop: asyncio.AbstractEventLoop
) -> kopf.OperatorRegistry:
    """Handlers that hand each event over to our loop, and nothing else: no writes, no retries."""
    registry = kopf.OperatorRegistry()

    async def login(**_: Any) -> kopf.AiohttpSession:
        return await _session(server)

    kopf.on.login(registry=registry)(login)
    for watch in watches:

        def hand_over(event: Any, watch: Watch = watch, **_: Any) -> None:
            loop.call_soon_threadsafe(watch.take, event["type"], dict(event["object"]))

        kind = watch.kind
        kopf.on.event(kind.group, kind.version, kind.plural, id=kind.plural, registry=registry)(
            hand_over
        )
    return registry


async def _session(server: Server) -> kopf.AiohttpSession:
    """A session with our view of TLS, and the token as it is now; kopf closes it."""
    connector = aiohttp.TCPConnector(ssl=server.context(), limit=0)
    session = aiohttp.ClientSession(connector=connector, headers=server.headers())
    return kopf.AiohttpSession(server=server.url, aiohttp_session=session)


def _settings(watches: Sequence[Watch], streaming: bool) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.watching.initial_streaming = streaming
    settings.networking.error_backoffs = _Forever()
    settings.persistence.diffbase_storage = _NoDiffs()
    settings.persistence.progress_storage = _NoProgress()
    for watch in watches:
        if watch.labels:
            kind = watch.kind
            resource = (kind.group, kind.version, kind.plural)
            settings.watching.label_selectors[resource] = watch.labels
    return settings


class _Forever:
    """Delays between retries that never end: an API server may be away for long."""

    def __iter__(self) -> Iterator[float]:
        yield from (0.5, 1.0, 2.0)
        while True:
            yield 5 * random.uniform(0.5, 1.5)


class _NoDiffs(kopf.DiffBaseStorage):
    """We keep no last-handled state: saves kopf a copy of every body."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        pass


class _NoProgress(kopf.ProgressStorage):
    """`on.event` has no progress."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        pass

    def purge(self, **_: Any) -> None:
        pass

    def touch(self, **_: Any) -> None:
        pass

    def clear(self, *, essence: Any) -> Any:
        return essence
