"""Opening the store: the configured one, or an embedded server for as long as somebody needs it.

Called by `wiring`.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import redis.asyncio as aioredis

from bot.config import Config
from bot.errors import ConfigError
from bot.store import keys
from bot.store.embedded import EmbeddedStore, running
from bot.store.lock import DirectoryLock, unusable
from bot.store.redis import connect, translated


@asynccontextmanager
async def opened_store(
    config: Config, *, is_beside: bool = False
) -> AsyncIterator[tuple[aioredis.Redis, EmbeddedStore | None]]:
    """A client of the configured store, or of an embedded server that lives as long as this context.

    `is_beside` is for commands: they use the running worker's server where there is one.
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
        await _check_schema(client)
        yield client, embedded


async def _check_schema(client: aioredis.Redis) -> None:
    """Refuse a store that a newer Fogbell wrote; mark an empty one as ours."""
    async with translated():
        written = await client.get(keys.SCHEMA_KEY)
        if written is None:
            await client.set(keys.SCHEMA_KEY, keys.SCHEMA)
    if written is not None and int(written) > keys.SCHEMA:
        raise ConfigError(
            [
                f"store: written by a newer Fogbell (schema {int(written)}, this one knows {keys.SCHEMA}); upgrade this one"
            ]
        )


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
