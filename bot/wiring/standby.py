"""The way through an outage of a store of your own, wired: opened with the store, and told to the rest of the worker.

An embedded store has none: it is on the same disk, and started again within a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import redis.asyncio as aioredis

from bot.clock import SystemClock
from bot.config import Config
from bot.domain.observation import WATCHER, Listing, Sighting
from bot.errors import ConfigError, StoreUnavailable
from bot.pipeline.ingest import Ingest
from bot.pipeline.pool import Pool
from bot.pipeline.sweep import Sweep
from bot.ports import Incidents
from bot.store import schema
from bot.store.embedded import EmbeddedStore
from bot.store.redis import Functions, RedisOutbox
from bot.store.sharing import RedisLeases
from bot.store.standby import Standby, StandbyLeases, StandbyOutbox, Word, words
from bot.telemetry import Event, log
from bot.wiring.app import Loop, Options
from bot.wiring.store import opened_store, worker_id
from bot.wiring.waiting import until_there

START_SECONDS = 15.0  # a store that is silent for so long is away


@asynccontextmanager
async def opened(
    config: Config, options: Options
) -> AsyncIterator[tuple[aioredis.Redis, EmbeddedStore | None, Standby | None]]:
    """The store's client, the embedded server if it is one, and the standby of a worker with a store of your own."""
    may_stand_by = (
        config.store.url is not None and not options.is_beside and isinstance(options.clock, SystemClock)
    )
    async with AsyncExitStack() as stack:
        client, embedded = await stack.enter_async_context(
            opened_store(config, is_beside=options.is_beside, as_found=may_stand_by)
        )
        standby = await _opened(client, config, options, stack) if may_stand_by else None
        if standby is not None:
            await _take_up(client, config, standby)
        elif may_stand_by:
            await until_there(client, config)
        yield standby.client if standby else client, embedded, standby


async def _opened(
    client: aioredis.Redis, config: Config, options: Options, stack: AsyncExitStack
) -> Standby | None:
    """The standby, open; None where there is no server for it: then an outage is waited for."""
    standby = Standby(client, config.fogbell.data, worker_id(config.fogbell.data), options.patience)
    stack.push_async_callback(standby.close)
    try:
        await standby.open()
    except ConfigError as exc:
        log().warning(Event.STANDBY_MISSING, reason=str(exc))
        return None
    return standby


async def _take_up(store: aioredis.Redis, config: Config, standby: Standby) -> None:
    """Take up the store; where it is away, who was leader lately begins without it, and everybody else waits."""
    try:
        async with asyncio.timeout(START_SECONDS):
            await schema.take_up(store)
    except (StoreUnavailable, TimeoutError):
        if not await standby.resume(datetime.now(UTC)):
            await until_there(store, config)


def ports_of(functions: Functions, owner: str, standby: Standby | None) -> tuple[RedisOutbox, RedisLeases]:
    """Outbox and leases of this worker."""
    if standby is None:
        return RedisOutbox(functions, owner), RedisLeases(functions, owner)
    return StandbyOutbox(functions, owner, standby), StandbyLeases(functions, owner, standby)


def loops_of(
    standby: Standby | None, incidents: Incidents, ingest: Ingest, sweep: Sweep, pool: Pool
) -> dict[str, Loop]:
    """What watches over the store, and over the server beside it."""
    if standby is None:
        return {}

    async def tell(word: Word, since: datetime) -> None:
        for watch in pool.watches:  # what one store knows of its feed, the other may not
            watch.recall(None, None)
        if word is not Word.AGAIN:
            now = datetime.now(UTC)
            said = words.away(since, now if word is Word.BACK else None, standby.left)
            await ingest.sighting(
                Sighting(
                    provider=WATCHER,
                    source=words.SOURCE,
                    seen_at=now,
                    observations=(said,),
                    listing=Listing.PART,
                )
            )
        await sweep.once()

    return {
        "standby": lambda: standby.run(incidents, tell),
        "standby-calls": standby.listen,
        "standby-store": standby.server.watch,
    }
