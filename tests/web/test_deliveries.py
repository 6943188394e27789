"""The delivery log: what its page and its data show of the audit, the outbox and the chats, and what nobody may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.domain.failover import ChatHealth
from bot.domain.standing import Entry, State
from bot.errors import StoreUnavailable
from bot.web.deliveries import LOOKED_THROUGH, Deliveries
from tests.fakes.store_fakes import FakeClock
from tests.web.conftest import BEGIN, MakeClient

AWAY = ChatHealth(is_away=True, away_since=BEGIN - timedelta(minutes=9))


@dataclass
class FakeAudit:
    """Lines, newest first; `asked` is how many were wanted each time."""

    lines: list[Mapping[str, str]] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    is_away: bool = False

    async def append(self, line: Mapping[str, str]) -> None:
        self.lines.insert(0, line)

    async def tail(self, limit: int) -> tuple[Mapping[str, str], ...]:
        if self.is_away:
            raise StoreUnavailable("the store does not answer")
        self.asked.append(limit)
        return tuple(self.lines[:limit])


def line(number: int = 1, **changes: str) -> Mapping[str, str]:
    """A delivery of INC-1, `number` seconds ago."""
    at = BEGIN - timedelta(seconds=number)
    told = {
        "at": at.isoformat(timespec="milliseconds"), "what": "delivery", "incident": "INC-1", "channel": "slack:C1",
        "step": "headline", "revision": "3", "reason": "first word (fresh)", "outcome": "sent",
    }  # fmt: skip
    return {**told, **changes}


def entry(**changes: object) -> Entry:
    said: dict[str, object] = {
        "incident": "INC-2", "provider": "aws", "title": "Errors", "channel": "slack:C9", "state": State.PARKED,
        "since": BEGIN - timedelta(minutes=12), "updates": 2, "needs_headline": True,
        "until": BEGIN + timedelta(hours=1), "why": "Slack answers is_archived. Unarchive the channel.",
    }  # fmt: skip
    return Entry(**{**said, **changes})  # type: ignore[arg-type]


@pytest.fixture
def audit() -> FakeAudit:
    return FakeAudit()


@pytest.fixture
def deliveries(audit: FakeAudit, clock: FakeClock) -> Deliveries:
    """A log with one entry that waits, over two chats of which one is away."""
    return deliveries_of(audit, clock, entry())


def deliveries_of(audit: FakeAudit, clock: FakeClock, *entries: Entry) -> Deliveries:
    async def waiting() -> tuple[Entry, ...]:
        return entries

    return Deliveries(audit, waiting, lambda: {"slack": AWAY}, ("console", "slack"), clock)


async def test_the_newest_deliveries_come_first_and_what_people_typed_is_not_among_them(
    make_client: MakeClient, audit: FakeAudit, deliveries: Deliveries
) -> None:
    audit.lines = [
        line(1, incident="INC-2", outcome="refused"),
        {"at": BEGIN.isoformat(), "actor": "slack:U1", "command": "ack INC-1", "outcome": "done"},
        line(2),
    ]
    client = await make_client(deliveries=deliveries)

    found = (await (await client.get("/api/deliveries")).json())["deliveries"]

    assert [(one["incident"], one["outcome"], one["at"]) for one in found] == [
        ("INC-2", "refused", "2025-10-20T07:11:29Z"),
        ("INC-1", "sent", "2025-10-20T07:11:28Z"),
    ]


@pytest.mark.parametrize("typed", ["INC-1", "1", "inc-1", " #1 "])
async def test_one_incident_can_be_asked_for_as_people_write_it(
    make_client: MakeClient, audit: FakeAudit, deliveries: Deliveries, typed: str
) -> None:
    audit.lines = [line(1), line(2, incident="INC-2"), line(3, incident="INC-11")]
    client = await make_client(deliveries=deliveries)

    found = await (await client.get("/api/deliveries", params={"incident": typed})).json()
    waiting = await (await client.get("/api/outbox", params={"incident": typed})).json()

    assert [one["incident"] for one in found["deliveries"]] == ["INC-1"]
    assert waiting["outbox"] == []


async def test_at_most_two_hundred_are_given_and_the_audit_is_read_no_deeper_than_needed(
    make_client: MakeClient, audit: FakeAudit, deliveries: Deliveries
) -> None:
    audit.lines = [line(n) for n in range(1500)] + [line(1501, incident="INC-9")]
    client = await make_client(deliveries=deliveries)

    many = await (await client.get("/api/deliveries")).json()
    deep = await (await client.get("/api/deliveries?incident=INC-9")).json()

    assert (len(many["deliveries"]), len(deep["deliveries"])) == (200, 1)
    assert audit.asked == [LOOKED_THROUGH[0], *LOOKED_THROUGH]


async def test_the_outbox_and_the_chats_are_data(make_client: MakeClient, deliveries: Deliveries) -> None:
    client = await make_client(deliveries=deliveries)

    found = await (await client.get("/api/outbox")).json()

    (waiting,) = found["outbox"]
    assert (waiting["state"], waiting["missing"]) == ("parked", "the headline and 2 updates")
    assert waiting["until"] == "2025-10-20T08:11:30Z"
    assert found["chats"] == [
        {"name": "slack", "is_away": True, "since": "2025-10-20T07:02:30Z", "state": "away"},
        {"name": "console", "is_away": False, "since": None, "state": "works"},
    ]


async def test_the_page_shows_all_of_it_and_escapes_what_comes_from_outside(
    make_client: MakeClient, audit: FakeAudit, clock: FakeClock
) -> None:
    audit.lines = [line(1, reason="<script>alert(1)</script>", actor="cli:ann")]
    bad = entry(title='"><img src=x onerror=alert(1)>', why="<b>no</b>")
    client = await make_client(deliveries=deliveries_of(audit, clock, bad))

    page = await (await client.get("/deliveries")).text()

    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<b>no</b>" not in page
    for words in (
        "07:11:29 UTC",
        "by <bdi>cli:ann</bdi>",
        "the headline and 2 updates",
        "away since",
        "12 min",
    ):
        assert words in page


async def test_the_page_wants_the_token_as_all_others(
    make_client: MakeClient, deliveries: Deliveries
) -> None:
    client = await make_client(deliveries=deliveries, token="a token that nobody guesses")

    answers = [await client.get(path) for path in ("/api/deliveries", "/api/outbox", "/deliveries")]

    assert [answer.status for answer in answers] == [401, 401, 401]


async def test_without_the_store_the_page_says_so_and_the_data_are_an_error(
    make_client: MakeClient, audit: FakeAudit, deliveries: Deliveries
) -> None:
    audit.is_away = True
    client = await make_client(deliveries=deliveries)

    page, data = await client.get("/deliveries"), await client.get("/api/deliveries")

    assert (page.status, data.status) == (503, 503)
    assert "The store does not answer" in await page.text()
    assert "error" in await data.json()


async def test_a_line_that_cannot_be_read_is_shown_as_far_as_it_can(
    make_client: MakeClient, audit: FakeAudit, deliveries: Deliveries
) -> None:
    audit.lines = [{"what": "delivery", "at": "yesterday", "incident": "INC-1"}]
    client = await make_client(deliveries=deliveries)

    page = await client.get("/deliveries")

    assert page.status == 200
    assert "INC-1" in await page.text()


async def test_the_console_leads_there_only_where_there_is_a_log(
    make_client: MakeClient, deliveries: Deliveries
) -> None:
    with_log, without = await make_client(deliveries=deliveries), await make_client()

    assert 'href="/deliveries"' in await (await with_log.get("/")).text()
    assert 'href="/deliveries"' not in await (await without.get("/")).text()
    assert (await without.get("/deliveries")).status == 404
