"""/healthz, /readyz and /metrics of a component, over HTTPS where a certificate is given."""

from __future__ import annotations

import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

PORT = 8443

_log = logging.getLogger("virtoperator.serving")


class Health:
    """What a component says of itself. Functions, asked at each request."""

    def __init__(
        self,
        *,
        alive: Callable[[], str],
        ready: Callable[[], str],
        config_version: Callable[[], str],
    ) -> None:
        """`alive` and `ready` answer '' or why not; `config_version`: of the KubeVirt object."""
        self.alive = alive
        self.ready = ready
        self.config_version = config_version


@contextlib.asynccontextmanager
async def serving(
    health: Health,
    registry: CollectorRegistry,
    *,
    address: str = "::",
    port: int = PORT,
    tls: ssl.SSLContext | None = None,
    refresh: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[None]:
    """Serve while in the context. `refresh` is awaited before each answer of /metrics."""
    app = web.Application()

    async def healthz(_: web.Request) -> web.Response:
        why = health.alive()
        version = health.config_version()
        body = {"apiserver": {"connectivity": why or "ok"}, "config-resource-version": version}
        return web.json_response(body, status=500 if why else 200)

    async def readyz(_: web.Request) -> web.Response:
        why = health.ready()
        return web.Response(text=why or "ok", status=503 if why else 200)

    async def metrics(_: web.Request) -> web.Response:
        if refresh:
            await refresh()
        text = generate_latest(registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        # asyncio takes '::' for IPv6 alone; without an address it is both families.
        host = None if address == "::" else address
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
        _log.info("serving on port %d", port)
        yield
    finally:
        await runner.cleanup()
