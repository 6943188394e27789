"""When sources are looked at, and by whom: one scheduler, virtual time, a real store for the leases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from math import isnan

import pytest

from bot import telemetry
from bot.domain.pace import RECONCILE_EVERY, Signals
from bot.domain.trust import SourceReport, SourceState
from bot.errors import FetchError
from bot.pipeline.board import Board
from bot.pipeline.ingest import Ingest
from bot.pipeline.pool import JITTER, LEASE, Pool, shard_of, sisters_of
from bot.pipeline.tempo import Tempo
from bot.pipeline.wake import Wake
from bot.pipeline.watch import Watch
from bot.sources.fetching.fetch import Fetched, Marks
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

    def set_to(self, moment: datetime) -> None:
        """What an operator or NTP does: those asleep sleep on for as long as they meant to."""
        self._sleepers = [(due + (moment - self.at), waking) for due, waking in self._sleepers]
        self.at = moment

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
    """Answers "unchanged" to everything, or `error`, and notes who was asked when."""

    def __init__(self, clock: SteppedClock) -> None:
        self._clock = clock
        self.asked: dict[str, list[datetime]] = {}
        self.error: FetchError | None = None

    async def fetch(self, spec: SourceSpec, marks: Marks, now: datetime) -> Fetched | None:
        self.asked.setdefault(spec.name, []).append(self._clock.now())
        if self.error:
            raise self.error
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
        ingest = Ingest(RedisIncidents(functions), RULES, clock, Wake())
        self.leases = RedisLeases(functions, owner)
        marks = Shelf(client, keys.MARKS, Marks)
        self.reports = reports = Shelf(client, keys.SOURCES, SourceReport)

        def watch(name: str) -> Watch:
            spec = SourceSpec(name=name, provider=name, url=f"http://127.0.0.1:1/{name}")
            return Watch(spec, self.fetcher, ingest, clock, marks)  # type: ignore[arg-type]

        self.watch = watch
        self.pool = Pool(
            [watch(n) for n in names], clock, self.leases, self.tempo, Board(reports, clock), marks, reports
        )


def number(metric: str, source: str, **labels: str) -> float | None:
    """What our metrics say of a source."""
    return telemetry.REGISTRY.get_sample_value(metric, {"source": source, **labels})


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
        made.clock.set_to(at(-60))
        await made.clock.run(120)
        seen = [moment for moment in made.fetcher.asked["aws"] if moment < at(0)]

    assert seen


async def test_a_clock_that_was_set_back_is_noticed_where_some_source_is_always_due(
    functions: Functions,
) -> None:
    """With many sources, the pool never sleeps for long enough to see the clock move within one pause."""
    names = tuple(f"p{n}" for n in range(400))
    async with office(functions, *names) as made:
        await made.clock.run(6, step=0.05)
        made.clock.set_to(at(-60))
        await made.clock.run(70, step=0.5)

    for name in names:
        assert [moment for moment in made.fetcher.asked[name] if moment < at(0)], name


async def test_no_hurry_goes_above_a_server_that_asked_us_to_stay_away(functions: Functions) -> None:
    async with office(functions, "aws") as made:
        made.fetcher.error = FetchError("answered 429", retry_after=timedelta(minutes=10))
        await made.clock.run(5)
        made.pool.hurry(["aws"])
        await made.clock.run(500)
        asked = len(made.fetcher.asked["aws"])
        (watch,) = made.pool.watches
        await made.clock.run(120)

    assert (asked, len(made.fetcher.asked["aws"])) == (1, 2)
    assert watch.report.reason.startswith("answered 429; it asked us to stay away until ")


async def test_a_source_that_comes_back_to_us_is_seen_as_others_left_it(functions: Functions) -> None:
    """What we saw an hour ago says nothing about now: it would be told as news to the operators."""
    async with office(functions, "aws") as made:
        made.fetcher.error = FetchError("answered 503")
        await made.clock.run(70)
        made.pool._ours_until = dict.fromkeys(made.pool._ours_until, 0.0)  # frozen for long
        (watch,) = made.pool.watches
        seen = replace(
            watch.report, state=SourceState.FRESH, trouble=None, failing_since=None, last_good_at=at(60)
        )
        await made.reports.put("aws", seen)
        await made.pool._renew()

        assert (watch.report.last_good_at, watch.report.trouble, watch.has_looked) == (at(60), None, False)


async def test_what_another_worker_looks_at_is_not_in_our_numbers(functions: Functions) -> None:
    """Its age would grow here for ever, and wake people."""
    async with office(functions, "aws") as made:
        await made.clock.run(5)
        ours = number("fogbell_source_age_seconds", "aws")
        await made.leases.release_all()
        await RedisLeases(functions, "other").hold(f"sources:{shard_of(made.pool.watches[0])}", LEASE)
        await made.pool._renew()

    assert 0 <= (ours or 0.0) < 10
    assert [isnan(number(f"fogbell_source_{what}", "aws") or 0) for what in ("age_seconds", "blind")] == [
        True,
        True,
    ]


async def test_who_is_asked_to_stay_away_is_blind_meanwhile(functions: Functions) -> None:
    """No look brings a new report, and the old one was fresh when it was written."""
    async with office(functions, "aws") as made:
        await made.clock.run(5)
        made.fetcher.error = FetchError("answered 429", retry_after=timedelta(hours=1))
        await made.clock.run(65)
        soon = number("fogbell_source_blind", "aws")
        await made.clock.run(240)

    assert (soon, number("fogbell_source_blind", "aws")) == (0.0, 1.0)


async def test_what_is_removed_leaves_the_numbers(functions: Functions) -> None:
    async with office(functions, "aws", "old") as made:
        await made.clock.run(5)
        made.pool.remove("old")

    assert number("fogbell_polls_total", "aws", outcome="unchanged") is not None
    assert number("fogbell_source_age_seconds", "old") is None
    assert number("fogbell_polls_total", "old", outcome="unchanged") is None


async def test_a_source_that_is_added_again_knows_what_was_known_of_it(functions: Functions) -> None:
    async with office(functions, "aws") as made:
        failing = SourceReport(
            provider="aws",
            name="old",
            state=SourceState.UNREACHABLE,
            failing_since=at(-60),
            reason="answered 503",
        )
        await made.reports.put("old", failing)
        made.fetcher.error = FetchError("answered 503")
        made.pool.add(made.watch("old"))
        while "old" not in made.fetcher.asked:
            await made.clock.run(1)
            await asyncio.sleep(0.01)
        watch = next(w for w in made.pool.watches if w.source.name == "old")

    assert watch.report.failing_since == at(-60)


async def test_a_source_that_is_looked_at_more_rarely_promises_no_more(functions: Functions) -> None:
    """A page that pushes is looked at every five minutes: it is not lost in between."""
    async with office(functions, "aws") as made:
        (watch,) = made.pool.watches
        watch.report = replace(watch.report, pushed_at=at(0))
        await made.clock.run(5)
        seen = watch.report.every
        made.fetcher.error = FetchError("answered 503")
        made.pool.hurry(["aws"])
        await made.clock.run(5)

    assert (seen, watch.report.every) == (RECONCILE_EVERY, timedelta(seconds=60))


@pytest.mark.parametrize("name", ["aws", "slack", "heroku"])
def test_who_runs_on_one_cloud_is_looked_at_together(name: str) -> None:
    family = sisters_of({"slack": "aws", "heroku": "aws", "github": "azure"})

    assert family[name] == frozenset({"aws", "slack", "heroku"} - {name})
    assert family["azure"] == frozenset({"github"})
