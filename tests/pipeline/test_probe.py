"""Our own checks on several workers: one of them runs each, and another takes over when it is gone."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot import net
from bot.clock import SystemClock
from bot.domain.checks import Check, CheckState
from bot.domain.rules import Rules
from bot.pipeline.ingest import Ingest
from bot.pipeline.probe import Probe
from bot.pipeline.wake import Wake
from bot.store import keys
from bot.store.desk import Shelf
from bot.store.redis import Functions, RedisIncidents
from bot.store.sharing import RedisLeases
from bot.tasks import end
from tests.fakes.feeds import FeedServer


async def test_of_two_workers_one_runs_the_check_and_the_other_when_it_is_gone(functions: Functions) -> None:
    """Two that ran it would count each failure twice, and call it down twice as soon."""
    async with FeedServer() as shop, net.open_session() as session:
        shop.serve("/health", "ok", content_type="text/plain")
        check = Check(name="shop", kind="http", target=shop.url("/health"), every=timedelta(milliseconds=100))
        ingest = Ingest(RedisIncidents(functions), Rules(), SystemClock(), Wake())
        states = Shelf(functions.client, keys.CHECKS, CheckState)
        leases = {name: RedisLeases(functions, name) for name in ("one", "other")}
        probes = {n: Probe(check, session, ingest, SystemClock(), states, held) for n, held in leases.items()}
        running = {name: asyncio.create_task(probe.run()) for name, probe in probes.items()}
        await asyncio.sleep(1)
        while_both = shop.hits["/health"]

        holder = str((await functions.client.get(keys.lease("check:shop"))).decode())
        await end([running.pop(holder)])
        await leases[holder].release_all()
        async with asyncio.timeout(5):
            while shop.hits["/health"] <= while_both:
                await asyncio.sleep(0.02)
        await end(running.values())

    assert 5 <= while_both <= 12
