"""Fail-over: a chat that is away for two minutes is left for the next one, and hears all it missed when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest

from bot.domain.conversation import Limits
from bot.domain.failover import ChatHealth
from bot.domain.routing import Group, Mode
from bot.domain.rules import EVERYTHING, Rules
from bot.domain.words import Impact
from bot.errors import RateLimited, Unavailable, Uncertain
from bot.pipeline.health import Health
from bot.pipeline.ingest import Ingest
from bot.pipeline.outbox import Courier, Voice
from bot.pipeline.sweep import Sweep
from bot.pipeline.wake import Wake
from bot.replay import VirtualClock
from bot.store import keys
from bot.store.desk import Shelf
from bot.store.redis import Functions, RedisIncidents, RedisOutbox
from tests.build import at, said, sighting, update
from tests.fakes.chat import FakeChat
from tests.fakes.store_fakes import FakeSilences

RULES = Rules(
    routes=(EVERYTHING,),
    groups=(Group(name=EVERYTHING.to[0], mode=Mode.FIRST_UP, channels=("slack:C1", "discord:1")),),
)


class Replica:
    """One worker with two chats that all replicas share."""

    def __init__(self, functions: Functions, clock: VirtualClock, chats: dict[str, FakeChat]) -> None:
        self.clock = clock
        self.outbox = RedisOutbox(functions)
        incidents = RedisIncidents(functions)
        self.ingest = Ingest(incidents, RULES, clock, Wake())
        sweep = Sweep(incidents, self.outbox, self.ingest, clock)
        self.health = Health(Shelf(functions.client, keys.CHATS, ChatHealth), chats, clock, sweep.once)
        self.ingest.usable = self.health.usable
        self.courier = Courier(
            self.outbox,
            incidents,
            FakeSilences(),
            chats,
            clock,
            voice=Voice(names={}, rules=lambda: RULES, health=lambda: self.health.known),
            saw=lambda chat, ok, is_post: self.health.saw(chat, ok=ok, is_post=is_post),
            reasserts=True,
        )

    async def see(self, *names: str) -> None:
        """The page tells of one incident with these updates."""
        updates = tuple(update(name, n) for n, name in enumerate(names))
        await self.ingest.sighting(sighting(0, said(updates=updates, updated_at=self.clock.now())))

    async def live(self, until: float) -> None:
        """Deliver and look after the chats, every ten seconds until that minute."""
        while self.clock.now() < at(until):
            while await self.courier.drain():
                pass
            await self.health.once()
            await self.clock.sleep(10)


@pytest.fixture
def chats() -> dict[str, FakeChat]:
    return {name: FakeChat(name=name, limits=Limits(gathers=True)) for name in ("slack", "discord")}


def away(chat: FakeChat) -> None:
    chat.fault = lambda call: Unavailable(chat.name, "C1", "away")


def back(chat: FakeChat) -> None:
    chat.fault = lambda call: None


def titles(chat: FakeChat) -> list[str]:
    return [message.card.title for message in chat.shown]


async def test_the_next_chat_takes_over_also_when_a_call_is_what_shows_it(
    functions: Functions, chats: dict[str, FakeChat]
) -> None:
    """Between two looks at the time a failing call may find that two minutes are over: the open incidents move all the same."""
    replica = Replica(functions, VirtualClock(at(0)), chats)
    await replica.see("u1")
    replica.health.saw("slack", ok=False)
    await replica.health.once()
    replica.clock.set(at(2.1))
    replica.health.saw("slack", ok=False)

    away(chats["slack"])
    await replica.live(until=2.5)

    assert len(chats["discord"].shown) == 1


async def test_the_next_chat_takes_over_and_says_why(
    functions: Functions, chats: dict[str, FakeChat]
) -> None:
    replica = Replica(functions, VirtualClock(at(0)), chats)
    away(chats["slack"])
    await replica.see("u1")

    await replica.live(until=1.8)
    assert chats["discord"].shown == []
    await replica.live(until=3)

    (headline,) = chats["discord"].shown
    assert headline.card.sections[0].text == "Slack is unreachable since 2025-10-20 07:00 UTC"


async def test_the_next_chat_no_longer_says_why_when_the_first_one_is_back(
    functions: Functions, chats: dict[str, FakeChat]
) -> None:
    """An edit keeps the words while it is away; they went with the next news, or within the hour."""
    replica = Replica(functions, VirtualClock(at(0)), chats)
    away(chats["slack"])
    await replica.see("u1")
    await replica.live(until=3)
    await replica.see("u1", "u2")
    await replica.live(until=4)
    (headline, *_) = chats["discord"].shown
    while_away = headline.card.sections[0].text

    back(chats["slack"])
    await replica.live(until=11)

    assert while_away == "Slack is unreachable since 2025-10-20 07:00 UTC"
    assert "unreachable" not in headline.card.plain


@pytest.mark.parametrize("reads", [None, RateLimited("slack", "C1", timedelta(seconds=20))], ids=repr)
async def test_a_chat_that_edits_and_takes_no_posts_is_left(
    reads: Exception | None, functions: Functions, chats: dict[str, FakeChat]
) -> None:
    """Each edit that worked began the two minutes anew, and so did each look-up that came too soon: nobody heard the news."""
    replica = Replica(functions, VirtualClock(at(0)), chats)
    await replica.see("u1")
    await replica.live(until=1)
    faults = {"post": Uncertain("slack", "C1", "an error"), "find": reads}
    chats["slack"].fault = lambda call: faults.get(call)

    for n in range(24):
        replica.health.saw("slack", ok=True, is_post=False)  # the headline of another incident
        await replica.see("u1", "u2")
        await replica.live(until=1 + n / 6)

    assert "edit" not in chats["slack"].calls
    assert replica.health.usable() == {"discord"}
    assert len(chats["discord"].shown) == 1


async def test_who_comes_back_gets_one_catch_up(functions: Functions, chats: dict[str, FakeChat]) -> None:
    replica = Replica(functions, VirtualClock(at(0)), chats)
    await replica.see("u1")
    await replica.live(until=1)
    away(chats["slack"])
    await replica.see("u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8")
    await replica.live(until=6)

    back(chats["slack"])
    await replica.live(until=12)

    assert [m.card.title for m in chats["slack"].shown[1:]] == ["acme: catching up on 7 updates"]
    assert replica.health.usable() == {"slack", "discord"}


async def test_what_waited_for_a_chat_comes_together_the_worst_first(
    functions: Functions, chats: dict[str, FakeChat]
) -> None:
    """Each came when its own pause was over: a storm that met an outage became one message for each incident."""
    replica = Replica(functions, VirtualClock(at(0)), chats)
    names = [f"e{n}" for n in range(30)]
    await replica.ingest.sighting(
        sighting(0, *(said(key, impact=Impact.CRITICAL if key == "e7" else Impact.MAJOR) for key in names))
    )
    faults: dict[str, Exception | None] = {"post": Uncertain("slack", "C1", "cut")}
    chats["slack"].fault = lambda call: faults.get(call)
    for n in range(60):
        faults["find"] = Unavailable("slack", "C1", "away") if n % 3 else None
        await replica.live(until=n / 6)

    back(chats["slack"])
    await replica.live(until=13)

    shown = [m.card.title for m in chats["slack"].shown]
    assert len(shown) <= 4
    assert "e7" in f"{chats['slack'].shown[0].card}"


async def test_two_missed_updates_are_one_catch_up_too(
    functions: Functions, chats: dict[str, FakeChat]
) -> None:
    replica = Replica(functions, VirtualClock(at(0)), chats)
    await replica.see("u1")
    await replica.live(until=1)
    away(chats["slack"])
    await replica.see("u1", "u2")
    await replica.live(until=3)
    await replica.see("u1", "u2", "u3")
    await replica.live(until=5)

    back(chats["slack"])
    await replica.live(until=12)

    assert [m.card.title for m in chats["slack"].shown[1:]] == ["acme: catching up on 2 updates"]


async def test_who_is_back_for_less_than_five_minutes_is_not_relied_on(
    functions: Functions, chats: dict[str, FakeChat]
) -> None:
    replica = Replica(functions, VirtualClock(at(0)), chats)
    away(chats["slack"])
    await replica.see("u1")
    await replica.live(until=4)

    back(chats["slack"])
    await replica.live(until=7)

    assert replica.health.usable() == {"discord"}


async def test_replicas_share_what_they_learn(functions: Functions, chats: dict[str, FakeChat]) -> None:
    clock = VirtualClock(at(0))
    one, other = Replica(functions, clock, chats), Replica(functions, clock, chats)
    away(chats["slack"])
    await one.see("u1")

    await one.live(until=3)
    await other.health.once()

    assert other.health.usable() == {"discord"}


async def test_an_away_chat_that_nothing_is_due_in_is_asked_now_and_then(
    functions: Functions, chats: dict[str, FakeChat]
) -> None:
    replica = Replica(functions, VirtualClock(at(0)), chats)
    for minute in (0, 2):
        replica.clock.set(at(minute))
        replica.health.saw("slack", ok=False)
    await replica.health.once()
    assert replica.health.usable() == {"discord"}

    await replica.live(until=10)

    assert chats["slack"].calls == ["ping"] * 6
    assert replica.health.usable() == {"slack", "discord"}


async def test_a_chat_that_takes_edits_and_no_posts_is_asked_now_and_then_too(
    functions: Functions, chats: dict[str, FakeChat]
) -> None:
    """Where nothing waits to be posted, an edit that works says nothing of whether a post would."""
    replica = Replica(functions, VirtualClock(at(0)), chats)
    for minute in (0, 2):
        replica.clock.set(at(minute))
        replica.health.saw("slack", ok=False)
    for n in range(60):
        replica.health.saw("slack", ok=True, is_post=False)
        await replica.live(until=2 + n / 6)

    assert replica.health.usable() == {"slack", "discord"}


class _SlowShelf:
    """Keeps what it is given, and lets something happen while it does."""

    def __init__(self) -> None:
        self.held: dict[str, ChatHealth] = {}
        self.meanwhile: Callable[[], None] = lambda: None

    async def all(self) -> dict[str, ChatHealth]:
        return dict(self.held)

    async def put_all(self, values: dict[str, ChatHealth]) -> None:
        self.held |= values
        self.meanwhile()


async def test_what_is_learnt_while_the_others_are_told_is_not_forgotten(chats: dict[str, FakeChat]) -> None:
    shelf, clock = _SlowShelf(), VirtualClock(at(0))
    health = Health(cast(Any, shelf), chats, clock, partial(asyncio.sleep, 0))
    health.saw("slack", ok=False)
    shelf.meanwhile = lambda: health.saw("slack", ok=True)
    await health.once()
    shelf.meanwhile = lambda: None

    await health.once()

    assert health.known["slack"].is_well
    assert shelf.held["slack"].is_well
