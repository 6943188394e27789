"""Lanes: what waits together is said together, worst first; what a channel does not want now is said later, not lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from bot.clock import SystemClock
from bot.domain.card import Card
from bot.domain.channels import Manners, Span
from bot.domain.conversation import Limits, Receipt
from bot.domain.observation import Place
from bot.domain.routing import Group
from bot.domain.rules import EVERYTHING, Rules
from bot.domain.services import Service, parse_need
from bot.domain.silences import Silence
from bot.domain.words import Severity
from bot.errors import RateLimited, Unavailable, Uncertain
from bot.pipeline.ingest import Ingest
from bot.pipeline.outbox import Courier, Pace, Voice
from bot.pipeline.sweep import Sweep
from bot.pipeline.wake import Wake
from bot.ports import Clock, Silences
from bot.replay import VirtualClock
from bot.store import keys
from bot.store.desk import RedisSilences
from bot.store.redis import Functions, RedisIncidents, RedisOutbox
from bot.store.sharing import RedisLimiter
from bot.tasks import end
from tests.build import at, said, sighting, update
from tests.fakes.chat import FakeChat
from tests.fakes.store_fakes import FakeSilences

STRICT = {("fake", "post"): Pace(per_second=1, burst=1), ("fake", "edit"): Pace(per_second=1, burst=20)}


@dataclass
class StrictChat(FakeChat):
    """Refuses a second message to a channel within the second, as Slack may."""

    last: dict[str, float] = field(default_factory=dict)
    refused: int = 0

    async def post(self, channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
        now = time.monotonic()
        if now - self.last.get(channel, -9) < 0.95:
            self.refused += 1
            raise RateLimited(self.name, channel, timedelta(seconds=1))
        self.last[channel] = now
        return await super().post(channel, card, key=key, thread=thread)


class Room:
    """One worker's delivery half on a real store."""

    def __init__(self, functions: Functions, *, clock: Clock, chat: FakeChat | None = None) -> None:
        self.functions = functions
        self.clock = clock
        self.chat = chat or FakeChat(limits=Limits(gathers=True))
        self.silences: Silences = FakeSilences()
        self.changed = Wake()
        self.incidents = RedisIncidents(functions)
        self.ingest = Ingest(self.incidents, routed("fake:C1"), clock, self.changed)
        self.paces: dict[tuple[str, str], Pace] = {}

    def courier(self, *, reasserts: bool = False) -> Courier:
        return Courier(
            RedisOutbox(self.functions),
            RedisIncidents(self.functions),
            self.silences,
            {"fake": self.chat, "other": self.chat},
            self.clock,
            voice=Voice(names={}, rules=lambda: self.ingest.rules),
            limiter=RedisLimiter(self.functions),
            paces=self.paces,
            reasserts=reasserts,
        )

    async def see(self, *names: str, provider: str = "acme", **changes: object) -> None:
        """The page lists these incidents, each with an update."""
        observations = tuple(
            replace(said(name, updates=(update(f"{name}-u", 0),), title=f"Title of {name}"), **changes)
            for name in names
        )
        await self.ingest.sighting(
            replace(sighting(0, *observations, source=provider), provider=provider, seen_at=self.clock.now())
        )

    async def settle_down(self, *, until: float | None = None) -> None:
        """Deliver in virtual time until nothing is due (before `until`, in minutes)."""
        courier = self.courier()
        assert isinstance(self.clock, VirtualClock)
        for _ in range(200):
            while await courier.drain():
                pass
            due = await RedisOutbox(self.functions).next_due()
            if due is None or (until is not None and due > at(until)):
                return
            self.clock.set(due)
        raise AssertionError("the outbox does not come to rest")


def routed(*channels: str, manners: Manners | None = None, digest: bool = False) -> Rules:
    route = replace(EVERYTHING, is_digest=True) if digest else EVERYTHING
    return Rules(
        routes=(route,),
        groups=(Group(name=EVERYTHING.to[0], channels=channels),),
        usual=manners or Manners(),
    )


@pytest.fixture
def room(functions: Functions) -> Room:
    return Room(functions, clock=VirtualClock(at(0)))


async def test_thirty_at_once_are_visible_within_three_seconds_in_three_messages(
    functions: Functions,
) -> None:
    """A channel bears one message a second: thirty headlines would take half a minute."""
    room = Room(functions, clock=SystemClock(), chat=StrictChat(limits=Limits(gathers=True)))
    room.paces = STRICT
    began = time.monotonic()
    running = asyncio.create_task(room.courier().run(room.changed))

    await room.see(*(f"e{n}" for n in range(30)))
    async with asyncio.timeout(10):
        while not all(any(f"Title of e{n} " in m.card.plain for m in room.chat.shown) for n in range(30)):
            await asyncio.sleep(0.02)
    took = time.monotonic() - began
    await end([running])

    assert took < 3
    assert len(room.chat.shown) <= 3
    assert room.chat.refused == 0


async def test_a_lost_reply_to_a_message_for_many_doubles_none_of_them(room: Room) -> None:
    left = ["lost"]
    room.chat.fault = lambda call: left.pop() if call == "post" and left else None
    await room.see(*(f"e{n}" for n in range(8)))

    await room.settle_down()

    assert len(room.chat.shown) == 1
    assert "find" in room.chat.calls


async def test_a_line_among_others_follows_its_incident(room: Room) -> None:
    await room.see(*(f"e{n}" for n in range(8)))
    await room.settle_down()

    await room.see(*(f"e{n}" for n in range(1, 8)))  # e0 is no longer listed: over
    await room.settle_down()

    (message,) = room.chat.shown
    assert "Resolved: acme: Title of e0" in message.card.plain
    assert message.edits == 1


async def test_news_after_a_storm_get_their_own_headline(room: Room) -> None:
    await room.see(*(f"e{n}" for n in range(8)))
    await room.settle_down()

    await room.see("e0", updates=(update("e0-u", 0), update("e0-v", 1)))
    await room.settle_down(until=1)

    assert "text of ea-v" in room.chat.shown[1].card.plain


async def test_a_chat_that_hangs_keeps_no_other_channel_waiting(functions: Functions) -> None:
    room = Room(functions, clock=SystemClock())
    room.ingest.rules = routed("fake:hangs", "fake:works")
    post = room.chat.post

    async def hanging(channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
        if channel == "hangs":
            await asyncio.sleep(60)
        return await post(channel, card, key=key, thread=thread)

    room.chat.post = hanging  # type: ignore[method-assign]
    running = asyncio.create_task(room.courier().run(room.changed))

    await room.see("e1")
    async with asyncio.timeout(5):
        while not room.chat.shown:
            await asyncio.sleep(0.01)
    await end([running])

    assert room.chat.shown[0].channel == "works"


async def test_a_digest_comes_at_its_hour_in_one_message(room: Room) -> None:
    room.ingest.rules = routed("fake:C1", digest=True)  # it is 07:00 UTC; the digest is due at 09:00
    await room.see("e1", "e2")
    await room.settle_down(until=119)
    assert room.chat.shown == []

    await room.settle_down(until=121)

    (message,) = room.chat.shown
    assert message.card.title == "Digest: 2 incidents"


async def test_what_came_and_went_before_the_digest_is_in_it(room: Room) -> None:
    room.ingest.rules = routed("fake:C1", digest=True)
    await room.see("e1", "e2")
    room.clock.set(at(30))  # type: ignore[attr-defined]
    await room.see("e2")

    await room.settle_down(until=121)

    assert "Resolved: acme: Title of e1" in room.chat.shown[0].card.plain


async def test_later_news_of_the_digest_wait_for_the_next_one(room: Room) -> None:
    room.ingest.rules = routed("fake:C1", digest=True)
    await room.see("e1")
    await room.settle_down(until=121)
    room.clock.set(at(130))  # type: ignore[attr-defined]
    await room.see("e1", updates=(update("e1-u", 0), update("e1-v", 130)))

    await room.settle_down(until=24 * 60 + 119)
    before = len(room.chat.shown)
    await room.settle_down(until=24 * 60 + 121)

    assert (before, len(room.chat.shown)) == (1, 2)


async def test_in_its_hours_of_quiet_a_channel_is_edited_but_not_rung(room: Room) -> None:
    await room.see("e1")
    await room.settle_down()
    room.ingest.rules = routed("fake:C1", manners=Manners(quiet=(Span(),), speaks_from=None))
    room.clock.set(at(5))  # type: ignore[attr-defined]
    await room.see("e1", updates=(update("e1-u", 0), update("e1-v", 5)))

    await room.settle_down(until=9)

    (headline,) = room.chat.shown
    assert "text of eb-v" in headline.card.plain


async def test_in_its_hours_of_quiet_a_headline_is_written_again_too_when_an_older_edit_may_have_come_late(
    room: Room,
) -> None:
    """It rings nobody, and what is over by then is not written again on any other occasion."""
    await room.see("e1")
    await room.settle_down()
    room.ingest.rules = routed("fake:C1", manners=Manners(quiet=(Span(),), speaks_from=None))
    unanswered = Uncertain("fake", "C1", "no answer")
    unanswered.__cause__ = TimeoutError()
    faults = [unanswered]
    room.chat.fault = lambda call: faults.pop() if call == "edit" and faults else None
    await room.see("e1", title="Another title")

    courier = room.courier(reasserts=True)
    for seconds in (0, 5, 40):
        room.clock.set(at(seconds / 60))  # type: ignore[attr-defined]
        while await courier.drain():
            pass

    assert room.chat.calls == ["post", "edit", "edit", "edit"]


async def test_a_channel_bears_only_so_many_messages_an_hour_and_the_next_says_how_many_waited(
    room: Room,
) -> None:
    room.ingest.rules = routed("fake:C1", manners=Manners(posts_per_hour=2))
    for n in range(5):
        room.clock.set(at(n))  # type: ignore[attr-defined]
        await room.see(*(f"e{i}" for i in range(n + 1)))
        await room.settle_down(until=n)
    assert len(room.chat.shown) == 2

    room.clock.set(at(60))  # type: ignore[attr-defined]
    await room.functions.client.delete("fogbell:bucket:cap:fake:C1")  # an hour went by for the store as well
    await room.settle_down(until=61)

    assert room.chat.shown[2].card.title == "3 incidents held back (limit of messages an hour: 2)"


async def test_where_no_more_may_be_said_the_headline_is_edited_all_the_same(room: Room) -> None:
    room.ingest.rules = routed("fake:C1", manners=Manners(posts_per_hour=1))
    await room.see("e1")
    await room.settle_down(until=1)
    room.clock.set(at(5))  # type: ignore[attr-defined]
    await room.see("e1", updates=(update("e1-u", 0), update("e1-v", 5)))

    await room.settle_down(until=9)

    (headline,) = room.chat.shown
    assert "text of eb-v" in headline.card.plain


async def test_a_digest_for_which_there_is_no_room_comes_an_hour_later_and_not_on_the_next_day(
    room: Room,
) -> None:
    room.ingest.rules = routed("fake:C1", manners=Manners(posts_per_hour=1))
    await room.see("e1")
    await room.settle_down(until=1)
    room.ingest.rules = routed("fake:C1", manners=Manners(posts_per_hour=1), digest=True)
    await room.see("e1", "e2", "e3")
    await room.settle_down(until=121)
    before = len(room.chat.shown)

    await room.functions.client.delete("fogbell:bucket:cap:fake:C1")  # an hour went by for the store as well
    await room.settle_down(until=190)

    assert (before, room.chat.shown[-1].card.title) == (1, "Digest: 2 incidents")


async def test_roles_are_called_once_for_an_incident_and_not_too_often(room: Room) -> None:
    on_call = replace(EVERYTHING, mentions=((Severity.SEV2, ("fake:S1",)),))
    room.ingest.rules = Rules(
        routes=(on_call,),
        groups=(Group(name="everywhere", channels=("fake:C1",)),),
        services=(Service(name="shop", needs=(parse_need("acme"),), tier=1),),
        usual=Manners(mentions_per_hour=2),
    )
    for n in range(4):
        room.clock.set(at(n))  # type: ignore[attr-defined]
        await room.see(*(f"e{i}" for i in range(n + 1)), places=(Place(provider="acme"),))
        await room.settle_down()

    assert [bool(m.card.mentions) for m in room.chat.shown] == [True, True, False, False]


async def test_an_unavailable_chat_is_asked_by_one_message_at_a_time(room: Room) -> None:
    room.chat.fault = lambda call: Unavailable("fake", "C1", "away")
    await room.see(*(f"e{n}" for n in range(5)))

    courier = room.courier()
    while await courier.drain():
        pass

    assert room.chat.calls == ["post"]


async def test_when_the_chat_asks_to_be_left_alone_all_replicas_do(room: Room) -> None:
    room.paces = STRICT
    room.chat.fault = lambda call: RateLimited("fake", "C1", timedelta(seconds=30))
    await room.see("e1")
    await room.courier().drain()
    room.chat.fault = lambda call: None
    room.clock.set(at(5))  # type: ignore[attr-defined]  # our clock, not the store's

    await room.courier().drain()

    assert room.chat.calls == ["post"]


async def test_what_was_begun_before_its_turn_came_leaves_no_intention_behind(room: Room) -> None:
    """The turn is asked for while the message is begun; another worker had taken it."""
    room.paces = {("fake", "post"): Pace(per_second=0.01, burst=1)}
    await RedisLimiter(room.functions).take("post:fake:C1", 0.01, 1)
    await room.see("e1")

    await room.courier().drain()

    (claimed,) = await RedisOutbox(room.functions).claim(at(60), 10, timedelta(seconds=30))
    assert (room.chat.calls, claimed.talk.attempt) == ([], None)


async def test_what_waited_for_its_turn_is_planned_anew_however_quiet_the_channel_is_by_then(
    functions: Functions,
) -> None:
    room = Room(functions, clock=SystemClock())
    room.paces = {("fake", "post"): Pace(per_second=2.5, burst=1)}
    names = [f"e{n}" for n in range(21)]  # one more than a message holds
    running = asyncio.create_task(room.courier().run(room.changed))

    await room.see(*names)
    async with asyncio.timeout(10):
        while not room.chat.shown:
            await asyncio.sleep(0.01)
        await room.see(*names, title="Newer words")
        while len(posted := [m for m in room.chat.shown if not m.edits]) < 1 or len(room.chat.shown) < 2:
            await asyncio.sleep(0.01)
    await end([running])

    assert "Newer words" in posted[-1].card.plain


async def test_whoever_is_stopping_begins_nothing_new(room: Room) -> None:
    courier = room.courier()
    await room.see("e1")
    courier.stop()

    await courier.drain()

    (claimed,) = await RedisOutbox(room.functions).claim(at(60), 10, timedelta(seconds=30))
    assert (room.chat.calls, claimed.talk.attempt) == ([], None)


async def test_a_ledger_that_cannot_be_read_keeps_nobody_elses_news_back(room: Room) -> None:
    """Claimed together they would fail together, and again with each lease."""
    for provider in ("bad", "good"):
        await room.see("e1", provider=provider)
    await room.functions.client.hset(keys.ledger("bad"), mapping={"revision": 99, "i:INC-1": b"9{}"})

    await room.courier().drain()

    assert [shown.card.title.partition(":")[0] for shown in room.chat.shown] == ["good"]


async def test_a_message_for_many_is_corrected_though_the_ledger_of_one_cannot_be_read(room: Room) -> None:
    await room.see("e1", provider="bad")
    await room.see(*(f"e{n}" for n in range(6)), provider="good")
    await room.settle_down()
    await room.functions.client.hset(keys.ledger("bad"), mapping={"revision": 99, "i:INC-1": b"9{}"})

    await room.see(*(f"e{n}" for n in range(6)), provider="good", title="Another title")
    await room.courier().drain()

    (message,) = room.chat.shown
    assert "Another title" in message.card.plain


async def test_a_silence_that_another_worker_set_or_ended_is_known_with_the_next_claim(
    functions: Functions,
) -> None:
    """They are read once a second only, and whoever was held for one that is over is woken but once."""
    room = Room(functions, clock=SystemClock())
    room.silences = RedisSilences(functions.client, _nobody)
    running = asyncio.create_task(room.courier().run(room.changed, look_every=60))
    sweep = Sweep(room.incidents, RedisOutbox(functions), room.ingest, room.clock)
    others = RedisSilences(functions.client, sweep.wake_all)
    await room.see("e1")
    await _until(lambda: len(room.chat.shown) == 1)

    now = room.clock.now()
    silence = Silence(
        id="acme", target="acme", until=now + timedelta(hours=1), by="Ada", why="known", created_at=now
    )
    await others.add(silence)
    await room.see("e1", "e2")
    await room.see("e3", provider="other")
    await _until(lambda: len(room.chat.shown) == 2)
    while_silent = room.chat.shown[-1].card.plain
    await others.add(replace(silence, until=room.clock.now()))
    room.changed.ring("acme")
    await _until(lambda: len(room.chat.shown) == 3)
    await end([running])

    assert "e3" in while_silent
    assert "e2" in room.chat.shown[-1].card.plain


async def _nobody() -> None:
    return None


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)
