"""Looking at a source: what a good look, a failed look and half a look mean, against a feed server on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from bot.domain.decide import Decision
from bot.domain.incident import Incident, Ledger
from bot.domain.trust import SourceReport, SourceState
from bot.errors import StoreUnavailable
from bot.net import open_session
from bot.pipeline.ingest import Ingest
from bot.pipeline.reports import Reports
from bot.pipeline.watch import JITTER, Watch
from bot.sources.fetch import Fetcher, Marks
from bot.sources.payload import SourceSpec
from bot.store import keys
from bot.store.desk import Shelf
from bot.store.redis import Functions, RedisIncidents
from bot.store.sharing import RedisLeases
from tests.build import RULES, at
from tests.fakes import feeds as fault
from tests.fakes.feeds import FeedServer
from tests.fakes.store_fakes import FakeClock

PATH = "/api/v2/summary.json"
EVERY = timedelta(seconds=60)
FEED = """<rss version="2.0"><channel><title>Acme</title><item><guid>e1</guid><title>Errors</title>
<pubDate>Mon, 20 Oct 2025 06:59:00 GMT</pubDate><description>We look into it.</description></item></channel></rss>"""


class Enough(Exception):
    """Ends a loop from within."""


class Stopwatch(FakeClock):
    """Notes how long it is asked to sleep, and ends the loop at the second time."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == 2:
            raise Enough


class Flaky(RedisIncidents):
    """Incidents whose next commit is lost when `is_away`."""

    is_away = False

    async def commit(self, ledger: Ledger, decision: Decision, now: datetime) -> tuple[Incident, ...]:
        if self.is_away:
            self.is_away = False
            raise StoreUnavailable("the store does not answer")
        return await super().commit(ledger, decision, now)


class Mast:
    """A watch on one source, all its surroundings, and what it saw."""

    def __init__(self, functions: Functions, fetcher: Fetcher, feeds: FeedServer) -> None:
        self.functions, self.fetcher, self.feeds = functions, fetcher, feeds
        self.clock = FakeClock(at(0))
        self.incidents = Flaky(functions)
        self.source = SourceSpec(name="acme", provider="acme", url=feeds.url(PATH), every=EVERY)
        self.reports = Shelf(functions.client, keys.SOURCES, SourceReport)
        self.marks = Shelf(functions.client, keys.MARKS, Marks)
        self.watch = self.another()

    def another(
        self, clock: FakeClock | None = None, *, owner: str = "us", spread_seconds: float = 0.0
    ) -> Watch:
        """One more life of the worker, or another worker."""
        clock = clock or self.clock
        ingest = Ingest(self.incidents, RULES, clock, asyncio.Event())
        leases = RedisLeases(self.functions, owner)
        return Watch(
            self.source, self.fetcher, ingest, clock, leases, self.marks, self.reports,
            spread_seconds=spread_seconds,
        )  # fmt: skip

    def serve(self, *names: str) -> None:
        """The page lists these as open."""
        self.feeds.serve(PATH, page(*map(entry, names)))

    async def look(self, minutes: float) -> float:
        self.clock.at = at(minutes)
        return await self.watch.look()

    async def open_keys(self) -> list[str]:
        ledger = await self.incidents.read("acme")
        return sorted(key for incident in ledger.open_incidents for key in incident.keys)

    async def state(self) -> tuple[SourceState, datetime | None]:
        """What people are told of the source now."""
        (line,) = await Reports((self.source,), self.reports, self.incidents, self.clock).lines()
        return line.state, line.last_good_at


def entry(name: str) -> dict[str, object]:
    """An incident as Statuspage lists it; one without a name has no id, and makes no sense."""
    began = "2025-10-20T06:59:00Z"
    update = {"id": f"{name}-u1", "status": "investigating", "body": "Errors.", "created_at": began}
    return {
        "id": name, "name": f"Title of {name}", "status": "investigating", "impact": "major",
        "created_at": began, "incident_updates": [update],
    }  # fmt: skip


def page(*entries: dict[str, object]) -> str:
    return json.dumps({"page": {"url": "https://acme.example"}, "components": [], "incidents": entries})


@pytest.fixture
async def mast(functions: Functions) -> AsyncIterator[Mast]:
    async with FeedServer() as feeds, open_session() as session:
        yield Mast(functions, Fetcher(session, total_s=5), feeds)


async def test_what_left_an_open_list_is_over_at_the_first_good_look_without_it(mast: Mast) -> None:
    mast.serve("e1", "e2")
    await mast.look(0)
    mast.serve("e2")
    await mast.look(1)

    assert await mast.open_keys() == ["e2"]


@pytest.mark.parametrize(
    "trouble",
    [fault.status(500), fault.status(404), fault.drop, fault.redirect("http://127.0.0.1:1/gone")],
)
async def test_a_look_that_fails_closes_nothing(mast: Mast, trouble: fault.Fault) -> None:
    mast.serve("e1")
    await mast.look(0)
    mast.feeds.fail(PATH, trouble)
    await mast.look(5)

    assert await mast.open_keys() == ["e1"]
    assert await mast.state() == (SourceState.UNREACHABLE, at(0))


@pytest.mark.parametrize("body", ["", "<html><body>Sign in</body></html>", page(entry("e1"))[:-40], "{}"])
async def test_a_body_that_makes_no_sense_closes_nothing(mast: Mast, body: str) -> None:
    mast.serve("e1")
    await mast.look(0)
    mast.feeds.serve(PATH, body)
    await mast.look(1)

    assert await mast.open_keys() == ["e1"]


async def test_a_body_that_was_read_in_part_is_believed_but_proves_no_absence(mast: Mast) -> None:
    mast.serve("e1")
    await mast.look(0)
    mast.feeds.serve(PATH, page(entry("e2"), entry("")))
    await mast.look(1)

    assert await mast.open_keys() == ["e1", "e2"]
    assert (await mast.state())[1] == at(0), "half a look is no good look"


async def test_a_body_of_which_nothing_could_be_read_does_not_settle_the_format(mast: Mast) -> None:
    mast.feeds.serve(PATH, page(entry("")))
    await mast.look(0)
    mast.feeds.serve(PATH, FEED, content_type="application/rss+xml")
    await mast.look(1)

    assert await mast.open_keys() == ["e1"]


async def test_marks_are_kept_only_after_what_was_said_is_committed(mast: Mast) -> None:
    """Kept earlier, they would turn one lost commit into an incident that nobody ever hears of."""
    mast.serve("e1")
    mast.incidents.is_away = True

    with pytest.raises(StoreUnavailable):
        await mast.look(0)
    kept = await mast.marks.get("acme")
    await mast.look(1)

    assert kept is None
    assert await mast.open_keys() == ["e1"]


async def test_a_body_that_was_read_in_part_is_asked_for_again(mast: Mast) -> None:
    mast.feeds.serve(PATH, page(entry("e1"), entry("")))
    await mast.look(0)
    await mast.look(1)

    assert (mast.feeds.hits[PATH], mast.feeds.unchanged[PATH]) == (2, 0)


async def test_an_unchanged_page_costs_an_empty_answer_and_is_a_good_look_all_the_same(mast: Mast) -> None:
    mast.serve("e1")
    await mast.look(0)
    mast.watch = mast.another()  # the marks outlive the worker
    await mast.look(30)

    assert mast.feeds.unchanged[PATH] == 1
    assert await mast.state() == (SourceState.FRESH, at(30))


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(1, SourceState.FRESH), (2, SourceState.LATE), (4, SourceState.UNREACHABLE)],
)
async def test_a_report_that_nobody_renews_grows_old_by_itself(
    mast: Mast, minutes: float, expected: SourceState
) -> None:
    """A worker that hangs or died cannot say so."""
    mast.serve()
    await mast.look(0)
    mast.clock.at = at(minutes)

    assert await mast.state() == (expected, at(0))


async def test_a_source_that_never_answered_was_never_seen_and_one_that_answers_again_is_fresh(
    mast: Mast,
) -> None:
    mast.feeds.fail(PATH, fault.status(503))
    await mast.look(0)
    before = await mast.state()
    mast.serve()
    mast.feeds.heal(PATH)
    await mast.look(1)

    assert before == (SourceState.UNSEEN, None)
    assert await mast.state() == (SourceState.FRESH, at(1))


async def test_a_server_that_asks_us_to_stay_away_is_left_alone_for_so_long(mast: Mast) -> None:
    mast.feeds.fail(PATH, fault.status(429, retry_after="300"))
    clock = Stopwatch(at(0))

    with pytest.raises(Enough):
        await mast.another(clock).run()

    assert clock.slept[1] == 300


async def test_first_looks_are_spread_and_later_ones_come_at_the_sources_pace(mast: Mast) -> None:
    """A thousand sources that begin at once would meet as a crowd for ever after."""
    mast.serve()
    clock, other = Stopwatch(at(0)), Stopwatch(at(0))

    for watch in (mast.another(clock, spread_seconds=20), mast.another(other, spread_seconds=3600)):
        with pytest.raises(Enough):
            await watch.run()

    first, pace = clock.slept
    assert 0 < first <= 20
    assert other.slept[0] == pytest.approx(3 * first), "never later than its own pace"
    assert 60 * (1 - JITTER) <= pace <= 60 * (1 + JITTER)


async def test_only_the_worker_that_holds_the_lease_looks(mast: Mast) -> None:
    mast.serve("e1")

    for owner in ("one", "other"):
        with pytest.raises(Enough):
            await mast.another(Stopwatch(at(0)), owner=owner).run()

    assert mast.feeds.hits[PATH] == 1
