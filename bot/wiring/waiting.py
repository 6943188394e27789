"""A worker whose store is not there yet: it waits, says so every few seconds, and answers health checks meanwhile.

A host that comes up before its store is no mistake, and a worker that ended would only be started again. What waiting cannot
mend, a wrong password or a store of a newer Fogbell, ends the start at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import redis.asyncio as aioredis
from aiohttp import web

from bot.config import Config
from bot.errors import ConfigError, StoreUnavailable
from bot.store import schema
from bot.telemetry import Event, log

TRY_SECONDS = 5.0
PAUSE_SECONDS = 2.0


async def until_there(client: aioredis.Redis, config: Config) -> None:
    """Take up the store, however long it takes to answer. Raises ConfigError, and StoreError for what waiting does not mend."""
    began, is_answering = time.monotonic(), False
    async with AsyncExitStack() as stack:
        while True:
            try:
                async with asyncio.timeout(TRY_SECONDS):
                    return await schema.take_up(client)
            except (StoreUnavailable, TimeoutError) as exc:
                reason = str(exc) or "the store does not answer"
            if not is_answering:
                await stack.enter_async_context(_answering(config.console.host, config.console.port))
                is_answering = True
            log().warning(Event.STORE_AWAITED, reason=reason, waited_s=round(time.monotonic() - began))
            await asyncio.sleep(PAUSE_SECONDS)


@asynccontextmanager
async def _answering(host: str, port: int) -> AsyncIterator[None]:
    """While open, /healthz says that we live, and everything else that we are not ready. Port 0 is for nobody to ask."""
    if port == 0:
        yield
        return
    app = web.Application()
    app.router.add_get("/healthz", _alive)
    app.router.add_route("*", "/{any:.*}", _not_ready)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await _listen(runner, host, port)
        yield
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as exc:
        raise ConfigError([f"console: cannot listen on {host} port {port} ({exc.strerror})"]) from exc


async def _alive(request: web.Request) -> web.Response:
    return web.json_response({"alive": True})


async def _not_ready(request: web.Request) -> web.Response:
    return web.json_response({"ready": False, "why": "the store does not answer yet"}, status=503)
