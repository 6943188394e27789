"""What operators see of the outbox and do with it, on a real store, with a worker that goes on working."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.routing import Group
from bot.domain.rules import EVERYTHING, Rules
from bot.domain.standing import Entry, State
from bot.errors import LeaseLost, Refused, Unavailable
from bot.pipeline.backlog import Backlog, Done, Order
from bot.pipeline.ingest import Ingest
from bot.pipeline.outbox import Courier, Voice
from bot.pipeline.wake import Wake
from bot.replay import VirtualClock
from bot.store.pendings import RedisPendings
from bot.store.redis import Functions, RedisIncidents, RedisOutbox
from bot.store.sharing import RedisAudit
from tests.build import at, said, sighting, update
from tests.fakes.chat import FakeChat
from tests.fakes.store_fakes import FakeSilences

RULES = Rules(routes=(EVERYTHING,), groups=(Group(name="everywhere", channels=("fake:C1", "fake:C2")),))
BY_ANN = Order(by="slack:U1", reason="the channel was given up")
HERE = [("INC-1", "fake:C1")]


class Desk:
    """A worker's delivery half, and an operator."""

    def __init__(self, functions: Functions, *, channels: tuple[str, ...] = ("fake:C1",)) -> None:
        self.chat = FakeChat()
        self.clock = VirtualClock(at(0))
        self.incidents = RedisIncidents(functions)
        self.outbox = RedisOutbox(functions, "worker")
        self.audit = RedisAudit(functions)
        rules = replace(RULES, groups=(Group(name="everywhere", channels=channels),))
        self.ingest = Ingest(self.incidents, rules, self.clock, Wake())
        self.backlog = Backlog(
            RedisPendings(functions, self.outbox), self.incidents, self.audit, self.clock, patience_s=0.3
        )
        self.courier = Courier(
            self.outbox, self.incidents, FakeSilences(), {"fake": self.chat}, self.clock,
            voice=Voice(names={}), audit=self.audit,
        )  # fmt: skip

    async def see(self, minutes: int, *names: str, **changes: object) -> None:
        """The feed says these updates."""
        self.clock.set(at(minutes))
        updates = tuple(update(name, n) for n, name in enumerate(names))
        await self.ingest.sighting(
            sighting(minutes, said(updated_at=at(minutes), updates=updates, **changes))
        )

    async def deliver(self) -> None:
        """What is due now."""
        while await self.courier.drain():
            pass

    async def lines(self) -> list[tuple[str, State, str]]:
        return [(e.channel, e.state, e.missing) for e in await self.backlog.entries()]

    async def only(self) -> Entry:
        (entry,) = await self.backlog.entries()
        return entry


@pytest.fixture
async def desk(functions: Functions) -> Desk:
    return Desk(functions)


def archived(call: str) -> Exception | None:
    return Refused("fake", "C1", "is_archived", remedy="Unarchive the channel.")


async def test_what_is_due_is_listed_with_what_is_missing_and_gone_once_told(desk: Desk) -> None:
    await desk.see(0, "u1", "u2")
    before = await desk.only()
    await desk.deliver()

    assert (before.state, before.missing, before.since) == (State.DUE, "the headline and 2 updates", at(0))
    assert await desk.lines() == []


async def test_a_refusal_is_listed_with_its_remedy_and_retried_when_asked(desk: Desk) -> None:
    desk.chat.fault = archived
    await desk.see(0, "u1")
    await desk.deliver()
    parked = await desk.only()
    desk.chat.fault = lambda call: None

    done = await desk.backlog.retry(HERE, Order(by="cli:ann"))
    await desk.deliver()

    assert (parked.state, parked.why) == (State.PARKED, "is_archived. Unarchive the channel.")
    assert parked.until == at(60)
    assert done == Done(changed=(("INC-1", "fake:C1"),))
    assert (len(desk.chat.shown), await desk.lines()) == (1, [])


async def test_a_chat_that_is_away_shows_how_often_and_until_when(desk: Desk) -> None:
    desk.chat.fault = lambda call: Unavailable("fake", "C1", "away", after=timedelta(seconds=20))
    await desk.see(0, "u1")
    await desk.deliver()

    entry = await desk.only()

    assert (entry.state, entry.failures, entry.until) == (State.FAILING, 1, at(0) + timedelta(seconds=20))
    assert entry.why == "failed 1 time in a row"


async def test_what_a_person_parked_stays_silent_whatever_happens_until_somebody_retries(desk: Desk) -> None:
    await desk.see(0, "u1")
    await desk.deliver()
    await desk.backlog.park(HERE, BY_ANN)

    await desk.see(5, "u1", "u2")
    await desk.deliver()
    entry, shown = await desk.only(), len(desk.chat.shown)
    await desk.backlog.retry(HERE, Order(by="cli:ann"))
    await desk.deliver()

    assert (entry.state, entry.why, entry.until) == (State.PUT_ASIDE, BY_ANN.reason, None)
    assert (shown, len(desk.chat.shown), await desk.lines()) == (1, 2, [])


async def test_what_was_parked_before_its_first_word_is_told_from_the_start(desk: Desk) -> None:
    await desk.see(0, "u1")
    await desk.backlog.park(HERE, BY_ANN)
    await desk.deliver()
    await desk.backlog.retry(HERE, BY_ANN)
    await desk.deliver()

    assert [m.thread for m in desk.chat.shown] == [None]


async def test_what_was_dropped_is_never_sent_and_what_comes_later_is(desk: Desk) -> None:
    desk.chat.fault = archived
    await desk.see(0, "u1", "u2")
    await desk.deliver()
    desk.chat.fault = lambda call: None

    await desk.backlog.drop(HERE, BY_ANN)
    await desk.deliver()
    after_the_drop = list(desk.chat.shown), await desk.lines()
    await desk.see(9, "u1", "u2", "u3")
    await desk.deliver()

    assert after_the_drop == ([], [])
    (headline,) = desk.chat.shown
    assert "text of ud" in headline.card.plain
    assert await desk.lines() == []


async def test_dropped_replies_leave_the_headline_as_it_was_until_something_new_is_said(desk: Desk) -> None:
    await desk.see(0, "u1")
    await desk.deliver()
    desk.chat.fault = archived
    await desk.see(5, "u1", "u2", "u3")
    await desk.deliver()
    desk.chat.fault = lambda call: None

    await desk.backlog.drop(HERE, BY_ANN)
    await desk.deliver()
    (headline,) = desk.chat.shown
    edits_then = headline.edits
    await desk.see(9, "u1", "u2", "u3", "u4")
    await desk.deliver()

    assert edits_then == 0
    assert [m.thread for m in desk.chat.shown] == [None, headline.id]
    assert (headline.edits, "text of ue" in headline.card.plain) == (1, True)


async def test_a_lost_reply_is_looked_up_even_after_its_conversation_was_dropped(desk: Desk) -> None:
    """Else the headline would be posted a second time with the next update."""
    faults = ["lost"]
    desk.chat.fault = lambda call: faults.pop() if call == "post" and faults else None
    await desk.see(0, "u1")
    await desk.courier.drain()

    await desk.backlog.drop(HERE, BY_ANN)
    await desk.see(9, "u1", "u2")
    await desk.deliver()

    assert [m.thread for m in desk.chat.shown] == [None, desk.chat.shown[0].id]


async def test_what_a_worker_has_in_hand_is_not_changed(desk: Desk, functions: Functions) -> None:
    await desk.see(0, "u1")
    (claimed,) = await desk.outbox.claim(at(0), 10, timedelta(seconds=30))

    done = await desk.backlog.drop(HERE, BY_ANN)
    seen = await desk.only()
    await desk.outbox.settle(claimed, claimed.talk, at(0))
    again = await desk.backlog.drop(HERE, BY_ANN)

    assert (done.busy, seen.state) == (tuple(HERE), State.IN_WORK)
    assert (again.changed, again.busy) == (tuple(HERE), ())


async def test_a_worker_that_was_frozen_cannot_undo_what_an_operator_did(desk: Desk) -> None:
    await desk.see(0, "u1")
    (claimed,) = await desk.outbox.claim(at(0), 10, timedelta(milliseconds=1))
    await asyncio.sleep(0.01)
    await desk.backlog.park(HERE, BY_ANN)

    with pytest.raises(LeaseLost):
        await desk.outbox.settle(claimed, claimed.talk, at(0))
    assert (await desk.only()).state is State.PUT_ASIDE


async def test_every_deed_is_in_the_audit_with_who_and_why(desk: Desk) -> None:
    await desk.see(0, "u1")
    await desk.backlog.park(HERE, BY_ANN)
    await desk.backlog.retry(HERE, Order(by="cli:ann"))
    await desk.backlog.drop(HERE, BY_ANN)

    lines = await desk.audit.tail(10)

    assert [(line["outcome"], line["actor"], line["reason"]) for line in lines] == [
        ("dropped", "slack:U1", BY_ANN.reason),
        ("retried", "cli:ann", ""),
        ("parked", "slack:U1", BY_ANN.reason),
    ]
    assert {(line["what"], line["incident"], line["channel"]) for line in lines} == {
        ("delivery", "INC-1", "fake:C1")
    }


async def test_what_needs_an_operator_comes_first(functions: Functions) -> None:
    desk = Desk(functions, channels=("fake:C1", "fake:C2", "fake:C3"))
    await desk.see(0, "u1")
    await desk.backlog.park([("INC-1", "fake:C2")], BY_ANN)
    (first, *others) = await desk.outbox.claim(at(0), 1, timedelta(seconds=30))
    await desk.outbox.settle(first, replace(first.talk, parked="fake:C1: no"), at(60))

    states = [state for _, state, _ in await desk.lines()]

    assert (others, states) == ([], [State.PARKED, State.PUT_ASIDE, State.DUE])


async def test_an_incident_that_is_not_known_any_more_changes_nothing(desk: Desk) -> None:
    assert await desk.backlog.retry([("INC-77", "fake:C1")], BY_ANN) == Done()
