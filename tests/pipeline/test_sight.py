"""Telling operators what cannot be seen: one worker's word about what it looks at, and about nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.observation import WATCHER
from bot.domain.trust import SourceReport, SourceState, Trouble
from bot.pipeline.ingest import Ingest
from bot.pipeline.sight import Sight
from bot.pipeline.wake import Wake
from bot.store.redis import Functions, RedisIncidents
from tests.build import RULES, at
from tests.fakes.store_fakes import FakeClock

MANY = ("aws", "gcp", "azure", "slack", "github")


@dataclass
class FakeWatch:
    report: SourceReport
    has_looked: bool = True


class FakePool:
    """What one worker looks at: these sources, in these shards."""

    def __init__(self, *shards: int) -> None:
        self.shards = frozenset(shards)
        self.ours: tuple[FakeWatch, ...] = ()

    def holds(self, provider: str) -> bool:
        return provider in {watch.report.provider for watch in self.ours} or provider == "gone"


class Post:
    """A worker at the ledger that all workers share."""

    def __init__(self, functions: Functions, *shards: int) -> None:
        self.clock, self.pool = FakeClock(at(0)), FakePool(*shards)
        self.incidents = RedisIncidents(functions)
        ingest = Ingest(self.incidents, RULES, self.clock, Wake())
        self.sight = Sight(self.pool, self.incidents, ingest, self.clock, {})  # type: ignore[arg-type]

    async def see(self, minute: float, *watches: FakeWatch) -> None:
        self.clock.at, self.pool.ours = at(minute), watches
        await self.sight.once()

    async def blind_on(self) -> list[tuple[str, bool]]:
        ledger = await self.incidents.read(WATCHER)
        return sorted((i.places[0].component or "", i.is_open) for i in ledger.incidents.values())


def well(name: str, provider: str = "") -> FakeWatch:
    return FakeWatch(
        SourceReport(provider=provider or name, name=name, state=SourceState.FRESH, last_good_at=at(0))
    )


def lost(name: str, provider: str = "") -> FakeWatch:
    return FakeWatch(
        SourceReport(
            provider=provider or name, name=name, state=SourceState.UNREACHABLE, last_good_at=at(0),
            failing_since=at(1), trouble=Trouble.UNREACHABLE, reason="it answered 503", every=timedelta(seconds=60),
        )
    )  # fmt: skip


def not_yet(watches: Iterable[FakeWatch]) -> tuple[FakeWatch, ...]:
    return tuple(FakeWatch(watch.report, has_looked=False) for watch in watches)


async def test_nothing_is_said_before_each_source_was_looked_at(functions: Functions) -> None:
    """The lost source of two may answer first; and the first ones of a great loss look like three small ones."""
    post = Post(functions)
    await post.see(10, lost("aws-rss", "aws"), *not_yet([well("aws-json", "aws")]))
    half = await post.blind_on()
    await post.see(11, lost("aws-rss", "aws"), well("aws-json", "aws"))

    assert (half, await post.blind_on()) == ([], [])


async def test_a_worker_that_cannot_see_anything_is_not_contradicted_by_one_that_can(
    functions: Functions,
) -> None:
    """Each would undo the other's word every few seconds."""
    one, other = Post(functions, 1, 3), Post(functions, 2)
    await one.see(10, *map(lost, MANY))
    await other.see(10, well("stripe"))
    during = await one.blind_on()
    await one.see(20, *map(well, MANY))

    assert during == [("5 of 5 providers", True)]
    assert await one.blind_on() == [("5 of 5 providers", False)]


async def test_who_takes_over_from_a_blind_worker_says_that_it_sees(functions: Functions) -> None:
    one, heir = Post(functions, 1, 3), Post(functions, 0, 1, 2, 3)
    await one.see(10, *map(lost, MANY))
    await heir.see(20, *map(well, MANY), well("stripe"))

    assert await heir.blind_on() == [("5 of 5 providers", False)]


async def test_blindness_on_another_workers_provider_stays_until_that_one_says_otherwise(
    functions: Functions,
) -> None:
    one, other = Post(functions, 1), Post(functions, 2)
    await one.see(10, lost("aws"))
    await other.see(11, well("stripe"))

    assert await one.blind_on() == [("aws", True)]


async def test_blindness_ends_with_the_source(functions: Functions) -> None:
    post = Post(functions, 1)
    await post.see(10, lost("gone"), well("aws"))
    await post.see(20, well("aws"))

    assert await post.blind_on() == [("gone", False)]
