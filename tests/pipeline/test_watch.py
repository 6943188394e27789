"""Looking at a source: what a good look, a failed look and half a look mean, against a feed server on loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.decide import Decision
from bot.domain.incident import Closure, Incident, Ledger
from bot.domain.trust import Doubt, SourceReport, SourceState
from bot.errors import Conflict, StoreUnavailable
from bot.net import open_session
from bot.pipeline.board import Board
from bot.pipeline.ingest import ATTEMPTS, Ingest
from bot.pipeline.quarantine import Quarantine
from bot.pipeline.reports import Reports
from bot.pipeline.wake import Wake
from bot.pipeline.watch import Watch
from bot.sources.fetching.fetch import Fetcher, Marks
from bot.sources.payload import Payload, SourceSpec
from bot.store import keys
from bot.store.desk import Shelf
from bot.store.redis import Functions, RedisIncidents
from tests.build import RULES, at
from tests.fakes import feeds as fault
from tests.fakes.feeds import FeedServer
from tests.fakes.store_fakes import FakeClock

PATH = "/api/v2/summary.json"
HISTORY = "/api/v2/incidents.json"
EVERY = timedelta(seconds=60)
FEED = """<rss version="2.0"><channel><title>Acme</title><item><guid>e1</guid><title>Errors</title>
<pubDate>Mon, 20 Oct 2025 06:59:00 GMT</pubDate><description>We look into it.</description></item></channel></rss>"""


INSTATUS_HISTORY = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Acme Status - Incident history</title><entry>
<id>tag:acme.example,2005:Incident/cl00000001</id><published>2025-10-20T06:59:00Z</published>
<updated>2025-10-20T07:00:30Z</updated><link href="https://acme.example/incident/cl00000001"/><title>Errors</title>
<content type="html"><![CDATA[<p><small>Oct 20, 07:00:30 GMT+0</small><br /><strong>Resolved</strong> - All is well again.</p>
<p><small>Oct 20, 06:59:00 GMT+0</small><br /><strong>Investigating</strong> - We look into it.</p>]]></content>
</entry></feed>"""


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

    def __init__(self, functions: Functions, fetcher: Fetcher, feeds: FeedServer, folder: Path) -> None:
        self.folder = folder
        self.functions, self.fetcher, self.feeds = functions, fetcher, feeds
        self.clock = FakeClock(at(0))
        self.incidents: RedisIncidents = Flaky(functions)
        self.source = SourceSpec(name="acme", provider="acme", url=feeds.url(PATH), every=EVERY)
        self.reports = Shelf(functions.client, keys.SOURCES, SourceReport)
        self.marks = Shelf(functions.client, keys.MARKS, Marks)
        self.watch = self.another()

    def another(self) -> Watch:
        """One more life of the worker."""
        ingest = Ingest(self.incidents, RULES, self.clock, Wake())
        kept = Quarantine(self.folder)
        return Watch(self.source, self.fetcher, ingest, self.clock, self.marks, quarantine=kept)

    def serve(self, *names: str) -> None:
        """The page lists these as open."""
        self.feeds.serve(PATH, page(*map(entry, names)))

    async def look(self, minutes: float) -> float:
        self.clock.at = at(minutes)
        return await self.watch.look()

    async def looks(self, *minutes: float) -> None:
        for minute in minutes:
            await self.look(minute)

    async def open_keys(self) -> list[str]:
        ledger = await self.incidents.read("acme")
        return sorted(key for incident in ledger.open_incidents for key in incident.keys)

    async def state(self) -> tuple[SourceState, datetime | None]:
        """What people are told of the source now."""
        line = await self.line()
        return line.state, line.last_good_at

    async def line(self) -> SourceReport:
        await Board(self.reports, self.clock).flush((self.watch,))
        (line,) = await Reports(lambda: (self.another(),), self.reports, self.incidents, self.clock).lines()
        return line


def entry(name: str, *, over: str = "") -> dict[str, object]:
    """An incident as Statuspage lists it, with the last words of one that is over; without a name it makes no sense."""
    began = "2025-10-20T06:59:00Z"
    update = {"id": f"{name}-u1", "status": "investigating", "body": "Errors.", "created_at": began}
    updates = [update]
    if over:
        ended = "2025-10-20T07:00:30Z"
        updates = [{"id": f"{name}-u2", "status": "resolved", "body": over, "created_at": ended}, update]
    return {
        "id": name, "name": f"Title of {name}", "status": "resolved" if over else "investigating",
        "impact": "major", "created_at": began, "incident_updates": updates,
    }  # fmt: skip


def page(*entries: dict[str, object]) -> str:
    return json.dumps({"page": {"url": "https://acme.example"}, "components": [], "incidents": entries})


def history(*entries: dict[str, object]) -> str:
    """The list of a page that holds closed incidents too."""
    return json.dumps({"page": {"url": "https://acme.example"}, "incidents": entries})


def azure_devops(health: str) -> str:
    """A page of states, with one service in one region."""
    there = {"id": "US", "name": "United States", "health": health}
    services = [{"id": "Boards", "geographies": [there]}]
    return json.dumps({"status": {"health": health, "message": ""}, "services": services})


@pytest.fixture
async def mast(functions: Functions, tmp_path: Path) -> AsyncIterator[Mast]:
    async with FeedServer() as feeds, open_session() as session:
        yield Mast(functions, Fetcher(session, total_s=5), feeds, tmp_path)


async def test_what_left_an_open_list_is_over_when_a_second_look_misses_it_too(mast: Mast) -> None:
    """A stale copy and a front end near the fire both show lists that are too short."""
    mast.serve("e1", "e2")
    await mast.look(0)
    mast.serve("e2")
    await mast.look(1)
    after_one, is_pending = await mast.open_keys(), mast.watch.is_pending
    await mast.look(2)

    assert (after_one, is_pending) == (["e1", "e2"], True)
    assert (await mast.open_keys(), mast.watch.is_pending) == (["e2"], False)


async def test_what_has_no_id_of_its_own_needs_a_second_look_too(mast: Mast) -> None:
    """Azure DevOps, Upptime and others only list what is not well now, under names that we made."""
    mast.feeds.serve(PATH, azure_devops("degraded"))
    await mast.look(0)
    mast.feeds.serve(PATH, azure_devops("healthy"))
    await mast.look(1)
    after_one = len(await mast.open_keys())
    await mast.look(2)

    assert (after_one, await mast.open_keys(), mast.watch.is_pending) == (1, [], False)


async def test_what_a_stale_copy_left_out_for_one_look_stays_open(mast: Mast) -> None:
    mast.serve("e1")
    await mast.look(0)
    mast.serve()
    await mast.look(1)
    mast.serve("e1")
    await mast.looks(2, 3)
    mast.serve()
    await mast.look(4)

    assert await mast.open_keys() == ["e1"]


async def test_the_pages_own_history_confirms_at_once_and_gives_the_last_words(mast: Mast) -> None:
    """The summary drops an incident together with the update that says what it was."""
    mast.serve("e1")
    await mast.look(0)
    mast.serve()
    mast.feeds.serve(HISTORY, history(entry("e1", over="All is well again.")))
    await mast.look(1)
    (incident,) = (await mast.incidents.read("acme")).incidents.values()

    assert (incident.is_open, incident.closure, mast.watch.is_pending) == (False, Closure.STATED, False)
    assert [u.text for u in incident.updates] == ["Errors.", "All is well again."]


async def test_what_the_history_still_calls_open_stays_open(mast: Mast) -> None:
    mast.serve("e1")
    await mast.look(0)
    mast.serve()
    mast.feeds.serve(HISTORY, history(entry("e1")))
    await mast.looks(1, 2, 3)

    assert await mast.open_keys() == ["e1"]


async def test_what_only_the_history_still_holds_is_asked_for_until_it_is_over(mast: Mast) -> None:
    """The two lists are cached apart: the one of what is open may lose an incident first, and then not change for days."""
    mast.serve("e1")
    await mast.look(0)
    mast.serve()
    mast.feeds.serve(HISTORY, history(entry("e1")))
    await mast.looks(1, 2)
    was_pending = mast.watch.is_pending
    mast.feeds.serve(HISTORY, history(entry("e1", over="All is well again.")))
    await mast.look(3)

    assert (was_pending, mast.watch.is_pending) == (True, False)
    assert await mast.open_keys() == []


async def test_a_history_in_another_format_is_read_too(mast: Mast) -> None:
    """Instatus keeps what is over as Atom only."""
    began = "2025-10-20T06:59:00.000Z"
    page = {"name": "Acme", "url": "https://acme.example", "status": "HASISSUES"}
    listed = {"id": "cl00000001", "name": "Errors", "started": began, "status": "INVESTIGATING"}
    url = mast.feeds.serve("/summary.json", json.dumps({"page": page, "activeIncidents": [listed]}))
    mast.source = replace(mast.source, url=url, format="instatus")
    mast.watch = mast.another()
    await mast.look(0)
    mast.feeds.serve("/summary.json", json.dumps({"page": page}))
    mast.feeds.serve("/history.atom", INSTATUS_HISTORY)
    await mast.look(1)
    (incident,) = (await mast.incidents.read("acme")).incidents.values()

    assert (incident.is_open, incident.closure) == (False, Closure.STATED)
    assert [u.text for u in incident.updates] == ["We look into it.", "All is well again."]


async def test_a_window_that_becomes_empty_from_one_look_to_the_next_is_broken(mast: Mast) -> None:
    mast.feeds.serve(PATH, history(*(entry(f"e{n}") for n in range(6))))
    await mast.look(0)
    mast.feeds.serve(PATH, history())
    await mast.looks(1, 2, 3, 4, 5)
    state, seen_at = await mast.state()
    held = list((mast.folder / "acme").iterdir())

    assert (state, seen_at) == (SourceState.CHANGED, at(0))
    assert len(await mast.open_keys()) == 6
    assert [path.read_bytes() for path in held] == [history().encode()], "the last body is kept, for replay"
    assert [path.suffix for path in held] == [".json"]


async def test_an_emptied_window_is_believed_after_a_day(mast: Mast) -> None:
    mast.feeds.serve(PATH, history(*(entry(f"e{n}") for n in range(6))))
    await mast.look(0)
    mast.feeds.serve(PATH, history())
    await mast.looks(1, 2, 24 * 60 + 2)

    assert (await mast.state())[0] is SourceState.FRESH


async def test_a_pushed_body_is_taken_in_and_closes_nothing(mast: Mast) -> None:
    mast.serve("e1")
    await mast.look(0)
    body = page(entry("e2")).encode()
    count = await mast.watch.pushed(Payload(body=body, fetched_at=at(1)))

    assert count == 1
    assert await mast.open_keys() == ["e1", "e2"]
    assert mast.watch.report.pushed_at == at(1)


@pytest.mark.parametrize(
    "trouble",
    [fault.status(500), fault.status(404), fault.drop, fault.redirect("http://127.0.0.1:1/gone")],
)
async def test_a_look_that_fails_closes_nothing(mast: Mast, trouble: fault.Fault) -> None:
    mast.serve("e1")
    await mast.look(0)
    mast.feeds.fail(PATH, trouble)
    await mast.look(5)
    line = await mast.line()

    assert await mast.open_keys() == ["e1"]
    assert (line.state, line.last_good_at, line.failing_since) == (SourceState.UNREACHABLE, at(0), at(5))
    assert line.reason.startswith("acme: http://127.0.0.1")


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
    assert [doubt for doubt, _ in (await mast.line()).doubts] == [Doubt.PARTLY_READ]


async def test_a_whole_body_takes_the_doubt_away_even_when_it_is_the_one_of_before(mast: Mast) -> None:
    mast.serve("e1")
    await mast.look(0)
    mast.feeds.serve(PATH, page(entry("e1"), entry("")))
    await mast.look(1)
    mast.serve("e1")
    await mast.look(2)

    assert mast.feeds.unchanged[PATH] == 1
    assert (await mast.line()).doubts == ()


async def test_another_worker_does_not_say_twice_that_a_source_has_moved(mast: Mast) -> None:
    mast.feeds.fail(PATH, fault.redirect(mast.feeds.serve("/new", page(entry("e1"))), 301))
    await mast.look(0)
    told = await mast.line()
    mast.watch = mast.another()
    mast.watch.recall(told, await mast.marks.get("acme"))
    await mast.look(1)

    assert [doubt for doubt, _ in (await mast.line()).doubts] == [Doubt.MOVED]


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
    [(1, SourceState.FRESH), (2, SourceState.LATE), (4, SourceState.STALE)],
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


async def test_a_server_that_asks_us_to_stay_away_is_heard(mast: Mast) -> None:
    mast.feeds.fail(PATH, fault.status(429, retry_after="300"))

    assert await mast.look(0) == 300


@pytest.mark.parametrize("listed", [("e1", "e3"), ("e1",)], ids=["with news", "without"])
async def test_what_another_worker_took_in_meanwhile_needs_a_second_look_to_be_over(
    mast: Mast, listed: tuple[str, ...]
) -> None:
    """We remember the ledger of before, in which there was nothing to miss."""
    mast.serve("e1")
    await mast.look(0)
    ingest = Ingest(RedisIncidents(mast.functions), RULES, mast.clock, Wake())
    other = Watch(
        mast.source, mast.fetcher, ingest, mast.clock, mast.marks, quarantine=Quarantine(mast.folder)
    )
    await other.pushed(Payload(body=page(entry("e2")).encode(), url=mast.source.url, fetched_at=at(1)))

    mast.feeds.serve(PATH, page(*map(entry, listed)) + " ")
    await mast.look(2)
    after_one, is_pending = await mast.open_keys(), mast.watch.is_pending
    await mast.look(3)

    assert (after_one, is_pending) == (sorted({*listed, "e2"}), True)
    assert await mast.open_keys() == list(listed)


class Crowded(RedisIncidents):
    """Incidents whose commits are lost to others, as often as `lost` says."""

    lost = 0

    async def commit(self, ledger: Ledger, decision: Decision, now: datetime) -> tuple[Incident, ...]:
        if self.lost:
            self.lost -= 1
            raise Conflict("others were first")
        return await super().commit(ledger, decision, now)


async def test_one_look_that_is_decided_on_twice_is_no_second_look(mast: Mast) -> None:
    """What it missed while a ledger was fought over would be over at once."""
    mast.incidents = crowded = Crowded(mast.functions)
    mast.watch = mast.another()
    mast.serve("e1")
    await mast.look(0)

    crowded.lost = ATTEMPTS
    mast.serve("e2")
    await mast.look(1)

    assert (await mast.open_keys(), mast.watch.is_pending) == (["e1", "e2"], True)
