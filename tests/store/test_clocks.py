"""Hosts whose clocks are minutes apart share one store: nobody is early, nobody is late."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from bot.store.redis import Functions, RedisIncidents, RedisOutbox, connect
from bot.store.watching import StoreWatch
from tests.build import RULES, said, sighting
from tests.fakes.store_steps import LEASE


class Skewed:
    """A real clock that is set wrong."""

    def __init__(self, by: timedelta) -> None:
        self.by = by

    def now(self) -> datetime:
        """What this host takes for the present."""
        return datetime.now(UTC) + self.by

    async def sleep(self, seconds: float) -> None:
        """Not used."""
        raise NotImplementedError


@asynccontextmanager
async def host(url: str, clock: Skewed) -> AsyncIterator[Functions]:
    """A worker's store on that host."""
    client = connect(url)
    functions = Functions(client)
    await functions.load()
    await StoreWatch(functions, clock).look()
    yield functions
    await client.aclose()


@pytest.mark.parametrize("minutes", [5, -5])
async def test_what_one_host_makes_due_now_another_claims_now(redis_url: str, minutes: int) -> None:
    wrong, right = Skewed(timedelta(minutes=minutes)), Skewed(timedelta())
    async with host(redis_url, wrong) as here, host(redis_url, right) as there:
        await _news(here, wrong)

        (claimed,) = await RedisOutbox(there).claim(right.now(), 10, LEASE)
        await RedisOutbox(there).settle(claimed, claimed.talk, right.now())

        assert len(await RedisOutbox(here).claim(wrong.now(), 10, LEASE)) == 1


@pytest.mark.parametrize("minutes", [5, -5])
async def test_a_pause_is_as_long_on_every_host(redis_url: str, minutes: int) -> None:
    wrong, right = Skewed(timedelta(minutes=minutes)), Skewed(timedelta())
    async with host(redis_url, wrong) as here, host(redis_url, right) as there:
        await _news(here, wrong)
        (claimed,) = await RedisOutbox(here).claim(wrong.now(), 10, LEASE)
        await RedisOutbox(here).settle(claimed, claimed.talk, wrong.now() + timedelta(minutes=1))

        for functions, clock in ((here, wrong), (there, right)):
            due_at = await RedisOutbox(functions).next_due()
            assert due_at is not None
            assert timedelta(seconds=58) < due_at - clock.now() <= timedelta(seconds=60)
            for ahead_s, expected in ((58, 0), (61, 1)):
                found = await RedisOutbox(functions).claim(
                    clock.now() + timedelta(seconds=ahead_s), 10, LEASE
                )
                assert len(found) == expected
                for one in found:
                    await RedisOutbox(functions).settle(one, one.talk, clock.now() + timedelta(minutes=1))


async def test_a_clock_that_is_set_while_we_run_is_followed(redis_url: str) -> None:
    clock = Skewed(timedelta())
    async with host(redis_url, clock) as functions:
        watch = StoreWatch(functions, clock)
        await watch.look()
        before = functions.offset
        clock.by = timedelta(minutes=-5)
        await watch.look()

        assert before == timedelta()
        assert abs(functions.offset - timedelta(minutes=5)) < timedelta(seconds=1)


async def test_time_that_is_not_real_is_nobodys_to_correct(redis_url: str) -> None:
    """A replay's day is long past, and its due times are compared with its own clock only."""
    client = connect(redis_url)
    functions = Functions(client)
    await StoreWatch(functions, None).look()

    assert functions.offset == timedelta()
    await client.aclose()


async def _news(functions: Functions, clock: Skewed) -> None:
    from dataclasses import replace

    from bot.domain.decide import decide

    incidents = RedisIncidents(functions)
    ledger = await incidents.read("acme")
    decision = decide(ledger, replace(sighting(0, said()), seen_at=clock.now()), RULES)
    assert decision is not None
    await incidents.commit(ledger, decision, clock.now())
