"""Looking at what waits: the numbers, and operators told of a chat that refuses, through the real delivery and back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import telemetry
from bot.domain.card import Card, Tone
from bot.domain.conversation import Conversation, Step, StepKind
from bot.domain.routing import Group, Route
from bot.domain.rules import EVERYTHING, Rules
from bot.domain.standing import State
from bot.domain.words import Kind
from bot.errors import Refused, Unavailable
from bot.pipeline.backlog import Backlog, Order
from bot.pipeline.ingest import Ingest
from bot.pipeline.outbox import Courier, Delivered, Voice
from bot.pipeline.upkeep import Upkeep, timed
from bot.pipeline.wake import Wake
from bot.replay import VirtualClock
from bot.store.pendings import RedisPendings
from bot.store.redis import Functions, RedisIncidents, RedisOutbox
from bot.store.sharing import RedisAudit, RedisLeases
from tests.build import at, incident, said, sighting, update
from tests.fakes.chat import FakeChat
from tests.fakes.store_fakes import FakeSilences

RULES = Rules(
    routes=(
        Route(to=("payments",), kinds=(Kind.INCIDENT,)),
        Route(to=("ops",), kinds=(Kind.BLINDNESS,)),
    ),
    groups=(Group(name="payments", channels=("fake:C1",)), Group(name="ops", channels=("other:OPS",))),
)


class Worker:
    """One worker with two chats, its upkeep, and an operator."""

    def __init__(self, functions: Functions, name: str = "one", rules: Rules = RULES) -> None:
        self.clock = VirtualClock(at(0))
        self.chats = {"fake": FakeChat(), "other": FakeChat(name="other")}
        incidents, outbox = RedisIncidents(functions), RedisOutbox(functions, name)
        wake = Wake()
        self.ingest = Ingest(incidents, rules, self.clock, wake)
        audit = RedisAudit(functions)
        self.backlog = Backlog(RedisPendings(functions, outbox), incidents, audit, self.clock)
        leases = RedisLeases(functions, name)
        self.upkeep = Upkeep(self.backlog, incidents, self.ingest, self.clock, leases, wake)
        self.courier = Courier(
            outbox, incidents, FakeSilences(), self.chats, self.clock, voice=Voice(names={}), audit=audit
        )

    async def see(self, minutes: int, *names: str) -> None:
        self.clock.set(at(minutes))
        updates = tuple(update(name, n) for n, name in enumerate(names))
        await self.ingest.sighting(sighting(minutes, said(updated_at=at(minutes), updates=updates)))

    async def turn(self, minutes: float) -> None:
        """Deliver what is due, and look, and deliver what that led to."""
        self.clock.set(at(minutes))
        for _ in range(2):
            while await self.courier.drain():
                pass
            await self.upkeep.once()

    def told(self, chat: str) -> list[str]:
        return [m.card.title for m in self.chats[chat].shown]


def archived(call: str) -> Exception:
    return Refused("fake", "C1", "is_archived.", remedy="Unarchive the channel.")


async def test_operators_hear_of_a_refusal_once_and_of_its_end_when_a_delivery_succeeds(
    functions: Functions,
) -> None:
    worker = Worker(functions)
    worker.chats["fake"].fault = archived
    await worker.see(0, "u1")
    for minute in (0, 1, 61, 62):
        await worker.turn(minute)
    during = list(worker.chats["other"].shown)
    worker.chats["fake"].fault = lambda call: None
    await worker.turn(130)
    await worker.turn(131)

    (told,) = during
    assert "fake:C1 refuses our messages" in told.card.title
    assert len(worker.told("fake")) == 1
    (headline, end) = worker.chats["other"].shown
    assert end.thread == headline.id
    assert "Nothing is refused by fake:C1 any more, after 130 min." in end.card.plain


async def test_a_retry_that_is_refused_again_says_nothing_new(functions: Functions) -> None:
    worker = Worker(functions)
    worker.chats["fake"].fault = archived
    await worker.see(0, "u1")
    await worker.turn(0)

    for minute in (1, 2, 3):
        await worker.backlog.retry([("INC-1", "fake:C1")], Order(by="cli:ann"))
        await worker.turn(minute)

    assert len(worker.told("other")) == 1
    assert worker.chats["other"].shown[0].edits == 0


async def test_a_broken_channel_of_operators_is_told_of_elsewhere(functions: Functions) -> None:
    """Nobody reads an archived channel."""
    groups = (Group(name="ops", channels=("fake:C1",)), Group(name="rest", channels=("other:C9",)))
    worker = Worker(functions, rules=Rules(routes=(*RULES.routes, Route(to=("ops",))), groups=groups))
    worker.chats["fake"].fault = archived
    await worker.see(0, "u1")
    await worker.turn(0)

    assert ["fake:C1 refuses our messages" in title for title in worker.told("other")] == [True]


async def test_one_worker_speaks_and_all_measure(functions: Functions) -> None:
    one, other = Worker(functions, "one"), Worker(functions, "other")
    one.chats["fake"].fault = archived
    await one.see(0, "u1")
    while await one.courier.drain():
        pass

    await one.upkeep.once()
    telemetry.OUTBOX_PARKED.set(0)
    await other.upkeep.once()

    entries = await one.backlog.entries()
    assert [(e.incident, e.channel) for e in entries] == [("INC-1", "fake:C1"), ("INC-2", "other:OPS")]
    assert telemetry.OUTBOX_PARKED._value.get() == 1


async def test_the_numbers_of_the_outbox(functions: Functions) -> None:
    groups = (Group(name="everywhere", channels=("fake:C1", "fake:C2", "fake:C3")),)
    worker = Worker(functions, rules=Rules(routes=(EVERYTHING,), groups=groups))
    worker.chats["fake"].fault = lambda call: Unavailable("fake", "C1", "away", after=timedelta(hours=1))
    await worker.see(0, "u1")
    await worker.backlog.park([("INC-1", "fake:C2")], Order(by="ann", reason="why"))
    while await worker.courier.drain():
        pass
    worker.clock.set(at(10))
    await worker.upkeep.once()

    states = sorted(e.state for e in await worker.backlog.entries())
    assert states == [State.FAILING, State.FAILING, State.PUT_ASIDE]
    assert telemetry.OUTBOX_DUE._value.get() == 2
    assert telemetry.OUTBOX_OLDEST._value.get() == 600
    assert telemetry.OUTBOX_HELD._value.get() == 1
    assert telemetry.OUTBOX_PARKED._value.get() == 0


async def test_updates_are_counted_once_however_often_they_are_seen(functions: Functions) -> None:
    worker = Worker(functions)
    before = telemetry.UPDATES._value.get()
    await worker.see(0, "u1", "u2")
    await worker.see(1, "u1", "u2")
    await worker.see(2, "u1", "u2", "u3")

    assert telemetry.UPDATES._value.get() - before == 3


@pytest.mark.parametrize(
    ("posted", "opened", "seconds"),
    [(9, 9.5, 60), (9, 30, 60), (-120, 9, None)],
    ids=["fresh", "before we saw it", "old news when we first looked"],
)
def test_the_provider_s_own_time_is_measured_but_not_of_old_news(
    posted: float, opened: float, seconds: float | None
) -> None:
    talk = Conversation(subject="INC-1", provider="acme", channel=f"fake{posted}{opened}:C1")
    step = Step(kind=StepKind.UPDATE, key="k", updates=("u1",), digest="", revision=1, reason="")
    delivered = Delivered(
        talk=talk, step=step, card=Card(title="t", tone=Tone.INFO, fallback="t"), at=at(posted + 1),
        incident=incident(opened_at=at(opened), updates=(update("u1", posted),)),
    )  # fmt: skip

    timed(delivered)

    sums = {
        s.labels["chat"]: s.value
        for s in next(iter(telemetry.POST_TO_RECEIPT.collect())).samples
        if s.name.endswith("_sum")
    }
    assert sums.get(talk.chat) == seconds
