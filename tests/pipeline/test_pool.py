"""When sources are looked at, and by whom: one scheduler, virtual time, a real store for the leases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from bot.domain.pace import Signals
from bot.domain.trust import SourceReport
from bot.pipeline.board import Board
from bot.pipeline.ingest import Ingest
from bot.pipeline.pool import JITTER, Pool, sisters_of
from bot.pipeline.tempo import Tempo
from bot.pipeline.watch import Watch
from bot.sources.fetch import Fetched, Marks
from bot.sources.payload import SourceSpec
from bot.store import keys
from bot.store.desk import Shelf
from bot.store.redis import Functions, RedisIncidents
from bot.store.sharing import RedisLeases
from bot.tasks import end
from tests.build import RULES, at


class SteppedClock:
    """Virtual time that only a test moves: sleepers wake when their moment has come."""

    def __init__(self) -> None:
        self.at = at(0)
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        waking = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.at + timedelta(seconds=seconds), waking))
        await waking

    async def run(self, seconds: float, step: float = 0.5) -> None:
        """Let so much time pass, in steps, everybody acting in between."""
        until = self.at + timedelta(seconds=seconds)
        while self.at < until:
            self.at = min(self.at + timedelta(seconds=step), until)
            for moment, waking in [s for s in self._sleepers if s[0] <= self.at]:
                self._sleepers.remove((moment, waking))
                if not waking.done():
                    waking.set_result(None)
            for _ in range(20):
                await asyncio.sleep(0)


class FakeFetcher:
    """Answers "unchanged" to everything, and notes who was asked when."""

    def __init__(self, clock: SteppedClock) -> None:
        self._clock = clock
        self.asked: dict[str, list[datetime]] = {}

    async def fetch(self, spec: SourceSpec, marks: Marks, now: datetime) -> Fetched | None:
        self.asked.setdefault(spec.name, []).append(self._clock.now())
        return None

    def gaps(self, name: str) -> list[float]:
        times = self.asked.get(name, [])
        return [(b - a).total_seconds() for a, b in pairwise(times)]


class Office:
    """A pool with everything around it."""

    def __init__(self, functions: Functions, clock: SteppedClock, names: tuple[str, ...], owner: str) -> None:
        client = functions.client
        self.clock, self.fetcher = clock, FakeFetcher(clock)
        self.tempo = Tempo(clock)
        ingest = Ingest(RedisIncidents(functions), RULES, clock, asyncio.Event())
        self.leases = RedisLeases(functions, owner)
        marks, reports = Shelf(client, keys.MARKS, Marks), Shelf(client, keys.SOURCES, SourceReport)

        def watch(name: str) -> Watch:
            spec = SourceSpec(name=name, provider=name, url=f"http://127.0.0.1:1/{name}")
            return Watch(spec, self.fetcher, ingest, clock, marks)  # type: ignore[arg-type]

        self.watch = watch
        self.pool = Pool(
            [watch(n) for n in names], clock, self.leases, self.tempo, Board(reports, clock), marks, reports
        )


@asynccontextmanager
async def office(
    functions: Functions, *names: str, owner: str = "us", clock: SteppedClock | None = None
) -> AsyncIterator[Office]:
    made = Office(functions, clock or SteppedClock(), names, owner)
    running = [asyncio.ensure_future(made.pool.run()), asyncio.ensure_future(made.pool.share())]
    try:
        async with asyncio.timeout(20):
            while not made.pool.ours and owner == "us":
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            yield made
    finally:
        await end(running)


async def test_each_source_is_looked_at_in_its_own_pace(functions: Functions) -> None:
    async with office(functions, "aws", "gcp") as made:
        await made.clock.run(400)

    for name in ("aws", "gcp"):
        assert 5 <= len(made.fetcher.gaps(name)) <= 8
        assert all(60 * (1 - JITTER) <= gap <= 60 * (1 + JITTER) + 1 for gap in made.fetcher.gaps(name))


async def test_first_looks_are_spread_and_never_later_than_the_pace(functions: Functions) -> None:
    """A thousand sources that begin at once would meet as a crowd for ever after."""
    names = tuple(f"p{n}" for n in range(40))
    async with office(functions, *names) as made:
        await made.clock.run(2, step=0.02)

    firsts = sorted(made.fetcher.asked[name][0] for name in names)
    assert firsts[0] < firsts[10] < firsts[-1] <= at(0) + timedelta(seconds=1)


async def test_whoever_is_told_to_hurry_is_looked_at_at_once_and_keeps_its_pace_afterwards(
    functions: Functions,
) -> None:
    async with office(functions, "aws", "gcp") as made:
        await made.clock.run(30)
        made.pool.hurry(["aws"])
        await made.clock.run(1)
        soon = len(made.fetcher.asked["aws"])
        await made.clock.run(20)

    assert (soon, len(made.fetcher.asked["gcp"])) == (2, 1)
    assert len(made.fetcher.asked["aws"]) == 2


async def test_a_suspected_provider_is_looked_at_every_few_seconds(functions: Functions) -> None:
    async with office(functions, "aws") as made:
        await made.clock.run(5)
        made.tempo.signals = lambda provider, now, **seen: Signals(suspected_at=now)  # type: ignore[method-assign]
        made.pool.hurry(["aws"])
        await made.clock.run(60)

    assert len(made.fetcher.asked["aws"]) >= 10


async def test_two_workers_share_the_sources_and_the_other_takes_over(functions: Functions) -> None:
    clock = SteppedClock()
    async with (
        office(functions, "aws", "gcp", clock=clock) as one,
        office(functions, "aws", "gcp", owner="other", clock=clock) as other,
    ):
        await clock.run(100)
        before = (len(one.fetcher.asked), len(other.fetcher.asked))
        await one.leases.release_all()
        one.pool._ours_until.clear()
        await other.pool._renew()
        while len(other.fetcher.asked) < 2:
            await clock.run(1)
            await asyncio.sleep(0.01)  # marks are read again from a real store

    assert before == (2, 0)


async def test_sources_come_and_go_while_the_pool_runs(functions: Functions) -> None:
    async with office(functions, "aws") as made:
        made.pool.add(made.watch("stripe"))
        await made.pool._renew()
        while "stripe" not in made.fetcher.asked:
            await made.clock.run(1)
            await asyncio.sleep(0.01)  # its marks are read from a real store
        made.pool.remove("stripe")
        await made.clock.run(200)

    assert len(made.fetcher.asked["stripe"]) == 1


async def test_a_clock_that_was_set_back_does_not_stop_the_watching(functions: Functions) -> None:
    async with office(functions, "aws") as made:
        await made.clock.run(65)
        made.clock.at = at(-60)
        made.pool._wake()
        await made.clock.run(120)
        seen = [moment for moment in made.fetcher.asked["aws"] if moment < at(0)]

    assert seen


@pytest.mark.parametrize("name", ["aws", "slack", "heroku"])
def test_who_runs_on_one_cloud_is_looked_at_together(name: str) -> None:
    family = sisters_of({"slack": "aws", "heroku": "aws", "github": "azure"})

    assert family[name] == frozenset({"aws", "slack", "heroku"} - {name})
    assert family["azure"] == frozenset({"github"})
