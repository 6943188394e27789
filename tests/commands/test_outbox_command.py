"""`outbox`: what people are shown of what waits, and what their words do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.commands.spec import Reply
from bot.domain.conversation import Conversation, Hold, Why
from bot.domain.observation import Update
from bot.domain.standing import Pending
from bot.domain.words import Role
from bot.pipeline.backlog import Backlog
from bot.ports import Claimed
from tests.fakes.desk import NOON, Desk, outage, words


class FakePendings:
    """ports.Pendings in a dict, by (incident, channel). What is `taken` a worker has."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], Pending] = {}
        self.taken: set[tuple[str, str]] = set()

    def put(self, talk: Conversation, due_at: datetime | None = NOON) -> None:
        self.held[talk.subject, talk.channel] = Pending(talk=talk, due_at=due_at)

    async def pending(self) -> Sequence[Pending]:
        return tuple(self.held.values())

    async def claim_one(self, provider: str, incident: str, channel: str, lease: timedelta) -> Claimed | None:
        if (incident, channel) in self.taken:
            return None
        new = Pending(talk=Conversation(subject=incident, provider=provider, channel=channel))
        return Claimed(talk=self.held.get((incident, channel), new).talk, token=1)

    async def settle(self, claimed: Claimed, talk: Conversation, due_at: datetime | None) -> None:
        self.put(talk, due_at)


@pytest.fixture
def pendings(desk: Desk) -> FakePendings:
    """Three conversations of INC-12: one that Slack refused, one that fails, one that waits for its digest."""
    found = FakePendings()
    desk.dispatcher.backlog = Backlog(found, desk.incidents, desk.audit, desk.clock, patience_s=0)
    second = Update(id="u2", text="More.", posted_at=NOON - timedelta(minutes=12))
    incident = outage(channels=("slack:C1", "slack:C2", "discord:7"))
    desk.incidents.put(replace(incident, updates=(*incident.updates, second)))
    talk = Conversation(subject="INC-12", provider="aws", channel="slack:C1")
    refused = replace(talk, parked="slack:C1: Slack answers is_archived. Unarchive the channel.")
    found.put(refused, NOON + timedelta(hours=1))
    found.put(replace(talk, channel="slack:C2", failures=3), NOON + timedelta(seconds=30))
    hold = Hold(until=NOON + timedelta(hours=2), why=Why.DIGEST)
    found.put(replace(talk, channel="discord:7", held=hold), hold.until)
    return found


def lines(reply: Reply) -> list[str]:
    return words(reply).splitlines()


async def test_everything_that_waits_is_shown_with_its_reason_the_worst_first(
    desk: Desk, pendings: FakePendings
) -> None:
    reply = await desk.say("outbox")

    assert [line for line in lines(reply) if line] == [
        "In the outbox: 1 parked, 1 failing, 1 held",
        "Parked",
        "INC-12 · slack:C1 · misses the headline and 2 updates · for 4 h 0 min · tried again 2025-10-20 13:00 UTC"
        " · Slack answers is_archived. Unarchive the channel.",
        "Failing",
        "INC-12 · slack:C2 · misses the headline and 2 updates · for 4 h 0 min · next try 2025-10-20 12:00 UTC"
        " · failed 3 times in a row",
        "Held",
        "INC-12 · discord:7 · misses the headline and 2 updates · for 4 h 0 min · until 2025-10-20 14:00 UTC"
        " · waits for its next digest",
    ]


async def test_an_empty_outbox_is_good_news(desk: Desk, pendings: FakePendings) -> None:
    pendings.held.clear()

    assert (await desk.say("outbox list")).card.title == "Nothing waits"


@pytest.mark.parametrize(
    ("target", "shown"),
    [("slack:C1", 1), ("INC-12", 3), ("12", 3), ("aws", 3), ("INC-13", 0), ("slack:C9", 0)],
)
async def test_the_list_can_be_narrowed(desk: Desk, pendings: FakePendings, target: str, shown: int) -> None:
    reply = await desk.say(f"outbox list {target}")

    assert sum("misses" in line for line in lines(reply)) == shown


async def test_all_that_is_parked_is_retried_and_nothing_else(desk: Desk, pendings: FakePendings) -> None:
    reply = await desk.say("outbox retry all")

    assert reply.card.title == "1 conversation will be tried at once"
    assert pendings.held["INC-12", "slack:C1"].due_at == NOON
    assert pendings.held["INC-12", "slack:C2"].due_at == NOON + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("retry INC-12", {"slack:C1", "slack:C2", "discord:7"}),
        ("retry INC-12 slack:C2", {"slack:C2"}),
        ("retry slack:C2", {"slack:C2"}),
    ],
)
async def test_what_is_named_is_retried(
    desk: Desk, pendings: FakePendings, line: str, changed: set[str]
) -> None:
    await desk.say(f"outbox {line}")

    assert {c for (_, c), pending in pendings.held.items() if pending.due_at == NOON} == changed


async def test_parking_and_dropping_say_who_and_why_in_the_audit(desk: Desk, pendings: FakePendings) -> None:
    await desk.say("outbox park INC-12 slack:C2 they asked us to wait")
    await desk.say("outbox drop slack:C1 the channel was given up")

    parked, dropped = (pendings.held["INC-12", c].talk for c in ("slack:C2", "slack:C1"))
    assert (parked.is_put_aside, parked.parked) == (True, "they asked us to wait")
    assert (dropped.dropped, dropped.parked) == (("u1", "u2"), None)
    told = [(a["outcome"], a["actor"], a["reason"]) for a in desk.audit.lines if a.get("what") == "delivery"]
    assert told == [
        ("parked", "slack:U1", "they asked us to wait"),
        ("dropped", "slack:U1", "the channel was given up"),
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("park INC-12 slack:C1", '"outbox park" needs a reason'),
        ("drop slack:C1", '"outbox drop" needs a reason'),
        ("drop all because", 'Only "retry" takes all'),
        ("drop INC-12", "is not told in"),
        ("retry", "needs an incident and a channel"),
        ("retry slack:C9", "Something waits for discord:7, slack:C1, slack:C2"),
        ("park INC-99 slack:C1 why", "There is no INC-99"),
        ("park INC-12 slack:C9 why", "slack:C1, slack:C2, discord:7"),
    ],
)
async def test_what_cannot_be_done_is_said_with_the_way_out(
    desk: Desk, pendings: FakePendings, line: str, says: str
) -> None:
    before = dict(pendings.held)

    reply = await desk.say(f"outbox {line}")

    assert reply.is_error
    assert says in words(reply)
    assert pendings.held == before


async def test_what_a_worker_is_sending_is_left_to_it(desk: Desk, pendings: FakePendings) -> None:
    pendings.taken.add(("INC-12", "slack:C1"))

    reply = await desk.say("outbox park INC-12 slack:C1 why")
    some = await desk.say("outbox retry INC-12")

    assert "a worker is just sending it" in words(reply)
    assert some.card.title == "2 conversations will be tried at once"
    assert "Not changed, because a worker was sending it" in words(some)


async def test_viewers_may_not_look_and_nothing_is_looked_at_where_there_is_no_outbox(desk: Desk) -> None:
    assert "needs the role responder" in words(await desk.say("outbox", role=Role.VIEWER))
    assert "cannot be looked at here" in words(await desk.say("outbox"))
