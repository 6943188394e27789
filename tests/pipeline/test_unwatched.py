"""Which sources nobody looks at any more: those that are unknown here, and that no other worker has seen for a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.checks import CheckState
from bot.domain.incident import Closure
from bot.domain.observation import SELF, WATCHER, Listing
from bot.domain.trust import SourceReport, SourceState
from bot.pipeline.ingest import Ingest
from bot.pipeline.sweep import Sweep
from bot.pipeline.unwatched import MISSED_FOR, MISSED_FOR_ALONE, Unwatched
from bot.pipeline.wake import Wake
from bot.sources.fetching.fetch import Marks
from bot.store import keys
from bot.store.desk import Shelf
from bot.store.redis import Functions, RedisIncidents, RedisOutbox
from bot.store.sharing import RedisLeases
from tests.build import RULES, at, said, sighting
from tests.fakes.store_fakes import FakeClock

DAY = MISSED_FOR.total_seconds() / 60


class Room:
    """A worker that knows the sources in `known`, on a store that others may write to as well."""

    def __init__(self, functions: Functions, missed_for: timedelta = MISSED_FOR) -> None:
        self.clock = FakeClock(at(0))
        self.incidents = RedisIncidents(functions)
        self.ingest = Ingest(self.incidents, RULES, self.clock, Wake())
        self.known: set[tuple[str, str]] = set()
        self.reports = Shelf(functions.client, keys.SOURCES, SourceReport)
        self.marks = Shelf(functions.client, keys.MARKS, Marks)
        self.checks = Shelf(functions.client, keys.CHECKS, CheckState)
        self.sweep = Sweep(self.incidents, RedisOutbox(functions), self.ingest, self.clock)
        self.sweep.unwatched = Unwatched(
            self._all_known, self.reports, self.marks, self.checks, RedisLeases(functions, "us"), missed_for
        ).of

    async def _all_known(self) -> set[tuple[str, str]]:
        return self.known

    async def swept(self, minutes: float) -> list[Closure | None]:
        """Sweep then; gives how each incident ended, None for those that are open."""
        self.clock.at = at(minutes)
        await self.sweep.once()
        ledgers = [await self.incidents.read(name) for name in sorted(await self.incidents.providers())]
        return [i.closure for ledger in ledgers for i in ledger.incidents.values()]


async def test_a_source_that_is_unknown_and_was_not_seen_for_a_day_ends_what_it_said(
    functions: Functions,
) -> None:
    room = Room(functions)
    await room.ingest.sighting(sighting(0, said()))
    await room.marks.put("acme", Marks())

    assert await room.swept(DAY - 1) == [None]
    assert await room.swept(DAY) == [Closure.UNWATCHED]
    assert await room.marks.all() == {}  # else a page that did not change would never be read again


async def test_a_source_that_is_known_here_may_be_silent_for_ever(functions: Functions) -> None:
    room = Room(functions)
    room.known = {("acme", "acme")}
    await room.ingest.sighting(sighting(0, said()))

    assert await room.swept(30 * DAY) == [None]


@pytest.mark.parametrize(("seen", "ends"), [(0.1, None), (1.1, Closure.UNWATCHED)])
async def test_what_another_worker_sees_with_another_configuration_stays(
    functions: Functions, seen: float, ends: Closure | None
) -> None:
    """A rolling change: it is unknown here, and looked at there."""
    room = Room(functions)
    await room.ingest.sighting(sighting(0, said()))
    report = SourceReport(
        provider="acme", name="acme", state=SourceState.FRESH, last_good_at=at((9 - seen) * DAY)
    )
    await room.reports.put("acme", report)

    assert await room.swept(9 * DAY) == [ends]


async def test_a_worker_that_is_alone_with_its_store_ends_it_within_minutes(functions: Functions) -> None:
    room = Room(functions, missed_for=MISSED_FOR_ALONE)
    await room.ingest.sighting(sighting(0, said()))

    assert await room.swept(1) == [None]
    assert await room.swept(10) == [Closure.UNWATCHED]


async def test_a_source_that_was_renamed_ends_nothing_that_it_lists_by_its_new_name(
    functions: Functions,
) -> None:
    room = Room(functions, missed_for=MISSED_FOR_ALONE)
    await room.ingest.sighting(sighting(0, said()))
    room.known = {("acme", "acme-2")}
    await room.ingest.sighting(sighting(2, said(), source="acme-2"))

    assert await room.swept(20) == [None]
    (incident,) = (await room.incidents.read("acme")).incidents.values()
    assert ([c.source for c in incident.claims], incident.reopened) == (["acme-2"], 0)


async def test_a_source_that_moved_to_another_provider_ends_what_it_said_of_the_first(
    functions: Functions,
) -> None:
    """And it is looked at all the time: what is remembered of it is of use."""
    room = Room(functions)
    room.known = {("acme cloud", "acme")}
    await room.ingest.sighting(sighting(0, said()))
    seen = SourceReport(provider="acme cloud", name="acme", state=SourceState.FRESH, last_good_at=at(DAY))
    await room.reports.put("acme", seen)
    await room.marks.put("acme", Marks())

    assert await room.swept(DAY) == [Closure.UNWATCHED]
    assert (await room.marks.all()).keys() == (await room.reports.all()).keys() == {"acme"}


async def test_a_check_that_is_gone_may_fail_anew_when_it_comes_back(functions: Functions) -> None:
    room = Room(functions, missed_for=timedelta())
    failing = replace(
        sighting(0, said(provider=SELF), source="check:front", listing=Listing.WINDOW), provider=SELF
    )
    await room.ingest.sighting(failing)
    await room.checks.put("front", CheckState(is_failing=True, failing_since=at(0)))

    room.known = {(SELF, "check:front")}
    assert await room.swept(1) == [None]
    room.known = set()
    assert await room.swept(2) == [Closure.UNWATCHED]
    assert await room.checks.get("front") is None


async def test_a_check_that_another_worker_runs_stays_however_long_it_has_been_failing(
    functions: Functions,
) -> None:
    """A rolling change. Nothing of a check that goes on failing is written anew, but whoever runs it holds its lease."""
    room, theirs = Room(functions), RedisLeases(functions, "another worker")
    failing = replace(sighting(0, said(provider=SELF), source="check:front"), provider=SELF)
    await room.ingest.sighting(failing)

    await theirs.hold("check:front", timedelta(seconds=30))
    assert await room.swept(9 * DAY) == [None]
    await theirs.release_all()
    assert await room.swept(9 * DAY) == [Closure.UNWATCHED]


async def test_what_fogbell_says_about_itself_is_not_touched(functions: Functions) -> None:
    room = Room(functions, missed_for=timedelta())
    blind = replace(
        sighting(0, said(provider=WATCHER), source="sight", listing=Listing.PART), provider=WATCHER
    )
    await room.ingest.sighting(blind)

    assert await room.swept(1) == [None]
