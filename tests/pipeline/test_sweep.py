"""What only time and a changed configuration do, seen by the outbox: which conversations a sweep makes due."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.domain.routing import Group
from bot.domain.rules import Rules
from bot.domain.words import Status
from bot.pipeline.ingest import Ingest
from bot.pipeline.sweep import EVERY_SECONDS, Sweep
from bot.pipeline.wake import Wake
from bot.store import keys
from bot.store.redis import Functions, RedisIncidents, RedisOutbox
from bot.telemetry import Event
from tests.build import CHANNEL, RULES, at, said, sighting
from tests.fakes.store_fakes import FakeClock

OVER = {"status": Status.RESOLVED, "ended_at": at(5), "updated_at": at(5)}


class Life:
    """One life of a worker: the rules it was started with, on the store that outlives it."""

    def __init__(self, functions: Functions, rules: Rules = RULES, minutes: float = 0) -> None:
        self.clock = FakeClock(at(minutes))
        self.incidents = RedisIncidents(functions)
        self.outbox = RedisOutbox(functions)
        self.ingest = Ingest(self.incidents, rules, self.clock, Wake())
        self.sweep = Sweep(self.incidents, self.outbox, self.ingest, self.clock)

    async def due(self) -> list[tuple[str, str]]:
        """Incident and channel of all that is due now; it is settled, and so no longer due."""
        claimed = await self.outbox.claim(self.clock.now(), 100, timedelta(seconds=30))
        for one in claimed:
            await self.outbox.settle(one, one.talk, None)
        return sorted((one.talk.subject, one.talk.channel) for one in claimed)


async def test_a_channel_that_was_added_later_hears_of_what_is_still_open(functions: Functions) -> None:
    before = Life(functions)
    await before.ingest.sighting(sighting(0, said("e1"), said("e2")))
    await before.ingest.sighting(sighting(5, said("e1"), said("e2", **OVER)))
    await before.due()

    wider = replace(RULES, groups=(Group(name="everywhere", channels=(CHANNEL, "slack:C1")),))
    after = Life(functions, wider, minutes=10)
    await after.sweep.once()

    assert await after.due() == [("INC-1", CHANNEL), ("INC-1", "slack:C1")]


async def test_open_incidents_are_looked_at_again_and_closed_ones_left_alone(functions: Functions) -> None:
    life = Life(functions)
    await life.ingest.sighting(sighting(0, said("e1"), said("e2")))
    await life.ingest.sighting(sighting(5, said("e1"), said("e2", **OVER)))
    await life.due()

    await life.sweep.once()

    assert await life.due() == [("INC-1", CHANNEL)]


async def test_what_fell_silent_in_a_feed_that_never_says_over_lapses(functions: Functions) -> None:
    life = Life(functions)
    await life.ingest.sighting(sighting(0, said(may_lapse=True, updated_at=at(0))))

    life.clock.at += RULES.lapse_after + timedelta(minutes=1)
    await life.sweep.once()

    assert (await life.incidents.read("acme")).open_incidents == ()


async def test_what_was_over_and_unlisted_for_long_is_forgotten(functions: Functions) -> None:
    life = Life(functions)
    await life.ingest.sighting(sighting(0, said()))
    await life.ingest.sighting(sighting(5))

    life.clock.at += RULES.remember_for + timedelta(days=2)
    await life.sweep.once()

    ledger = await life.incidents.read("acme")
    assert (dict(ledger.incidents), dict(ledger.known)) == ({}, {})


async def test_a_ledger_that_cannot_be_read_costs_the_others_nothing(functions: Functions) -> None:
    life = Life(functions)
    for name in ("bad", "good"):
        seen = sighting(0, said(provider=name, may_lapse=True, updated_at=at(0)))
        await life.ingest.sighting(replace(seen, provider=name))
    await functions.client.hset(keys.ledger("bad"), mapping={"revision": 99, "i:INC-1": b"9{}"})

    life.clock.at += RULES.lapse_after + timedelta(minutes=1)
    with capture_logs() as logs:
        await life.sweep.once()

    assert (await life.incidents.read("good")).open_incidents == ()
    assert [line["provider"] for line in logs if line["event"] == Event.STORE_UNREADABLE] == ["bad"]


async def test_a_changed_silence_wakes_closed_incidents_too(functions: Functions) -> None:
    """One that ended while it was silenced still has its end to tell."""
    life = Life(functions)
    await life.ingest.sighting(sighting(0, said("e1"), said("e2")))
    await life.ingest.sighting(sighting(5, said("e1"), said("e2", **OVER)))
    await life.due()

    await life.sweep.wake_all()

    assert await life.due() == [("INC-1", CHANNEL), ("INC-2", CHANNEL)]


async def test_a_changed_silence_wakes_all_that_can_be_read(functions: Functions) -> None:
    """Nobody else wakes what was held for a silence that ended."""
    life = Life(functions)
    for name in ("bad", "good"):
        await life.ingest.sighting(replace(sighting(0, said(provider=name)), provider=name))
    await life.due()
    await functions.client.hset(keys.ledger("bad"), mapping={"revision": 99, "i:INC-1": b"9{}"})

    await life.sweep.wake_all()

    assert await life.due() == [("INC-2", CHANNEL)]


async def test_it_sweeps_at_once_and_then_at_its_pace(functions: Functions) -> None:
    class Enough(Exception):
        pass

    class Counting(FakeClock):
        async def sleep(self, seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 2:
                raise Enough

    slept: list[float] = []
    life = Life(functions)
    await life.ingest.sighting(sighting(0, said()))
    await life.due()
    sweep = Sweep(life.incidents, life.outbox, life.ingest, Counting(at(1)))

    with pytest.raises(Enough):
        await sweep.run()

    assert slept == [EVERY_SECONDS, EVERY_SECONDS]


async def test_a_silence_makes_this_worker_look_at_once(functions: Functions) -> None:
    """Others look once a second, and so does this one for what it was not told of."""
    changed = Wake()
    life = Life(functions)
    changed.ring("acme")

    await Sweep(life.incidents, life.outbox, life.ingest, life.clock, changed=changed).wake_all()

    assert changed.is_set()
    assert changed.answered() == frozenset(), "for nobody in particular: all is looked at"
    assert changed.answered() == frozenset()
