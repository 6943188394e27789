"""Opening the store: the configured one, or an embedded server for as long as somebody needs it.

Called by `wiring`.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import redis.asyncio as aioredis

from bot.clock import SystemClock
from bot.config import Config
from bot.errors import StoreError
from bot.pipeline.pool import Pool
from bot.store import schema
from bot.store.embedded import EmbeddedStore, running
from bot.store.lock import DirectoryLock, unusable
from bot.store.redis import Functions, connect
from bot.store.watching import StoreWatch
from bot.wiring.app import Loop, Options


@asynccontextmanager
async def opened_store(
    config: Config, *, is_beside: bool = False, as_found: bool = False
) -> AsyncIterator[tuple[aioredis.Redis, EmbeddedStore | None]]:
    """A client of the configured store, or of an embedded server that lives as long as this context.

    `is_beside` is for commands: they use the running worker's server where there is one. `as_found`: neither check nor
    mark its schema, for backup and restore.
    """
    embedded: EmbeddedStore | None = None
    url = config.store.url.reveal() if config.store.url else None
    if url is None and is_beside:
        url = await running(config.fogbell.data)
    async with AsyncExitStack() as stack:
        if url is None:
            embedded = EmbeddedStore(config.fogbell.data)
            stack.push_async_callback(embedded.stop)
            await embedded.start()
            url = embedded.url
        elif not is_beside:
            lock = DirectoryLock(config.fogbell.data)
            lock.take()  # two workers of one name would take each other's leases for their own
            stack.callback(lock.release)
        client = connect(url)
        stack.push_async_callback(client.aclose)
        if not as_found:
            await schema.take_up(client)
        yield client, embedded


async def watching_store(
    functions: Functions,
    embedded: EmbeddedStore | None,
    config: Config,
    options: Options,
    pool: Pool,
) -> dict[str, Loop]:
    """The watch over a store that others run, after its first look; our own server needs none: nobody takes over from it."""
    if embedded is not None:
        return {}

    def read_anew() -> None:
        for one in pool.watches:  # what it committed last, the store may not have any more
            one.recall(None, None)

    clock = options.clock if isinstance(options.clock, SystemClock) else None
    watch = StoreWatch(functions, clock, replicas=config.store.wait_replicas, on_change=read_anew)
    with suppress(
        StoreError
    ):  # it may be away again, or not tell us: then nothing is known of it, and work goes on
        await (watch.look() if options.is_beside else watch.start())
    return {"store-watch": watch.run}


def worker_id(data: Path) -> str:
    """This worker's name, the same after a restart, so that it need not wait for leases of its own. Raises ConfigError."""
    path = data / "worker-id"
    try:
        if not (path.exists() and path.read_text().strip()):  # a crash may have left it empty
            data.mkdir(parents=True, exist_ok=True)
            path.write_text(secrets.token_hex(8))
        return path.read_text().strip()
    except OSError as exc:
        raise unusable(data, exc) from exc
