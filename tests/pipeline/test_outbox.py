"""The promise, step by step: whatever the chat does and wherever the worker dies, each update is there once, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.card import Card
from bot.domain.conversation import Limits, Receipt
from bot.domain.incident import Incident
from bot.domain.observation import Listing
from bot.domain.routing import Group
from bot.domain.rules import EVERYTHING, Rules
from bot.domain.silences import Silence
from bot.domain.words import Status
from bot.errors import ChatError, RateLimited, Refused, StoreUnavailable, Unavailable, Uncertain
from bot.pipeline.ingest import Ingest
from bot.pipeline.outbox import Courier, Pace, Voice
from bot.pipeline.wake import Wake
from bot.ports import Claimed
from bot.replay import VirtualClock
from bot.store.redis import Functions, RedisIncidents, RedisOutbox, connect
from bot.store.sharing import RedisAudit, RedisLimiter
from bot.tasks import end
from tests.build import at, said, sighting, update
from tests.fakes.chat import FakeChat

RULES = Rules(routes=(EVERYTHING,), groups=(Group(name="everywhere", channels=("fake:C1",)),))


@dataclass
class FakeSilences:
    held: list[Silence] = field(default_factory=list)

    async def add(self, silence: Silence) -> None:
        self.held.append(silence)

    async def active(self, now: object) -> tuple[Silence, ...]:
        return tuple(s for s in self.held if s.until > now)  # type: ignore[operator]


class Desk:
    """A worker's delivery half, with a chat that can fail and a clock that jumps."""

    def __init__(self, functions: Functions, chat: FakeChat) -> None:
        self.functions = functions
        self.chat = chat
        self.clock = VirtualClock(at(0))
        self.silences = FakeSilences()
        self.audit = RedisAudit(functions)
        self.incidents = RedisIncidents(functions)
        self.ingest = Ingest(self.incidents, RULES, self.clock, Wake())
        self.limiter: RedisLimiter | None = None
        self.paces: dict[tuple[str, str], Pace] = {}

    def courier(self, chats: dict[str, FakeChat] | None = None) -> Courier:
        """A new worker: it remembers nothing that is not in the store."""
        return Courier(
            RedisOutbox(self.functions),
            RedisIncidents(self.functions),
            self.silences,
            chats or {"fake": self.chat},
            self.clock,
            voice=Voice(names={}),
            audit=self.audit,
            limiter=self.limiter,
            paces=self.paces,
        )

    async def see(self, minutes: int, *names: str, **changes: object) -> None:
        """The feed says these updates."""
        self.clock.set(at(minutes))
        updates = tuple(update(name, n) for n, name in enumerate(names))
        await self.ingest.sighting(
            sighting(minutes, said(updated_at=at(minutes), updates=updates, **changes))
        )

    async def settle_down(self, turns: int = 60) -> None:
        """Deliver, moving the clock past every wait, until nothing is due."""
        courier = self.courier()
        for _ in range(turns):
            while await courier.drain():
                pass
            due = await RedisOutbox(self.functions).next_due()
            if due is None:
                return
            self.clock.set(due)
        raise AssertionError("the outbox does not come to rest")


@pytest.fixture
async def desk(redis_url: str) -> AsyncIterator[Desk]:
    client = connect(redis_url)
    functions = Functions(client)
    await functions.load()
    yield Desk(functions, FakeChat())
    await client.aclose()


def once(call: str, verdict: str | Exception) -> Callable[[str], str | Exception | None]:
    """A fault that strikes the first such call only."""
    left = [verdict]
    return lambda name: left.pop() if name == call and left else None


async def test_headline_replies_and_edits_arrive_in_order(desk: Desk) -> None:
    await desk.see(0, "u1")
    await desk.settle_down()
    await desk.see(5, "u1", "u2")
    await desk.settle_down()

    headline, reply = desk.chat.shown
    assert (headline.thread, headline.edits, reply.thread) == (None, 1, headline.id)
    assert reply.card.sections[0].text == "text of uc"
    assert "text of uc" in headline.card.plain


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        (RateLimited("fake", "C1", timedelta(seconds=30)), 30),
        (Unavailable("fake", "C1", "away", after=timedelta(seconds=20)), 20),
        (Refused("fake", "C1", "archived", remedy="Unarchive it."), 3600),
    ],
)
async def test_a_failure_before_anything_was_sent_is_tried_again_when_due(
    desk: Desk, fault: ChatError, waits: int
) -> None:
    desk.chat.fault = once("post", fault)
    await desk.see(0, "u1")
    courier = desk.courier()
    while await courier.drain():
        pass

    due = await RedisOutbox(desk.functions).next_due()
    await desk.settle_down()

    assert due == at(0) + timedelta(seconds=waits)
    assert len(desk.chat.shown) == 1


async def test_a_refused_conversation_says_why_in_plain_words(desk: Desk) -> None:
    desk.chat.fault = lambda call: Refused("fake", "C1", "archived", remedy="Unarchive it.")
    await desk.see(0, "u1")
    await desk.courier().drain()

    (talk,) = await RedisOutbox(desk.functions).conversations(await _only(desk))

    assert talk.parked == "fake:C1: archived. Unarchive it."


async def test_a_thread_that_takes_no_replies_leaves_no_stale_headline(desk: Desk) -> None:
    """Somebody locks the thread: the headline is still edited, and the reply waits for its hour."""
    await desk.see(0, "u1")
    await desk.settle_down()
    locked = Refused("fake", "C1", "the thread is locked", remedy="Unlock it.")
    desk.chat.fault = lambda call: locked if call == "post" else None
    await desk.see(1, "u1", "u2")
    courier = desk.courier()
    while await courier.drain():
        pass

    (talk,) = await RedisOutbox(desk.functions).conversations(await _only(desk))
    due = await RedisOutbox(desk.functions).next_due()

    assert "text of uc" in desk.chat.shown[0].card.plain
    assert (talk.parked, due) == ("fake:C1: the thread is locked. Unlock it.", at(1) + timedelta(hours=1))
    assert desk.chat.calls == ["post", "post", "edit", "post"]


async def test_what_may_neither_be_posted_nor_edited_is_asked_for_twice_an_hour(desk: Desk) -> None:
    await desk.see(0, "u1")
    await desk.settle_down()
    desk.chat.fault = lambda call: Refused("fake", "C1", "archived", remedy="Unarchive it.")
    await desk.see(1, "u1", "u2")
    courier = desk.courier()
    while await courier.drain():
        pass

    assert desk.chat.calls == ["post", "post", "edit"]


async def _only(desk: Desk) -> Incident:
    (incident,) = (await RedisIncidents(desk.functions).read("acme")).incidents.values()
    return incident


async def test_a_lost_reply_is_looked_up_before_posting_again(desk: Desk) -> None:
    desk.chat.fault = once("post", "lost")
    await desk.see(0, "u1")
    await desk.settle_down()

    assert desk.chat.calls == ["post", "find"]
    assert len(desk.chat.shown) == 1


async def test_when_it_cannot_be_looked_up_yet_nothing_is_posted_meanwhile(desk: Desk) -> None:
    verdicts: dict[str, list[str | Exception]] = {
        "post": ["lost"],
        "find": [Unavailable("fake", "C1", "away")] * 3,
    }
    desk.chat.fault = lambda call: verdicts[call].pop() if verdicts.get(call) else None
    await desk.see(0, "u1")
    await desk.settle_down()

    assert desk.chat.calls == ["post", "find", "find", "find", "find"]
    assert len(desk.chat.shown) == 1


async def test_a_chat_that_cannot_look_up_is_told_again_and_that_is_counted(desk: Desk) -> None:
    desk.chat.limits = Limits(threads=False, edits=False, find=False)
    desk.chat.fault = once("post", "lost")
    await desk.see(0, "u1")
    await desk.settle_down()

    (talk,) = await RedisOutbox(desk.functions).conversations(await _only(desk))
    assert (len(desk.chat.shown), talk.maybe_doubled) == (2, 1)
    assert ["maybe doubled" in m.card.footer for m in desk.chat.shown] == [False, True]
    assert "maybe_doubled" in {line["outcome"] for line in await desk.audit.tail(9)}


async def test_a_deleted_reply_is_left_deleted(desk: Desk) -> None:
    await desk.see(0, "u1")
    await desk.settle_down()
    await desk.see(1, "u1", "u2")
    await desk.settle_down()
    del desk.chat.shown[1]

    await desk.ingest.sighting(
        sighting(9, said(updated_at=at(9), updates=(update("u1", 0), update("u2", 1, "edited"))))
    )
    await desk.settle_down()

    assert len(desk.chat.shown) == 1


async def test_a_deleted_headline_is_posted_once_more_with_what_is_new(desk: Desk) -> None:
    shown = []
    for minute, names in enumerate((("u1",), ("u1", "u2"), ("u1", "u2", "u3"))):
        desk.chat.shown.clear()
        await desk.see(minute, *names)
        await desk.settle_down()
        shown.append([m.thread is None for m in desk.chat.shown])

    (talk,) = await RedisOutbox(desk.functions).conversations(await _only(desk))
    assert talk.told == {"u1", "u2", "u3"}
    assert shown == [[True], [False, True], [False]], "deleted twice: people do not want it"


@pytest.mark.parametrize(
    "why", [Refused("fake", "C1", "missing_scope"), Uncertain("fake", "C1", "too much to read")]
)
async def test_where_history_cannot_be_read_a_lost_reply_is_said_again_and_counted(
    desk: Desk, why: ChatError
) -> None:
    faults: dict[str, list[str | Exception]] = {
        "post": ["lost"],
        "find": [why],
    }
    desk.chat.fault = lambda call: faults[call].pop() if faults.get(call) else None
    await desk.see(0, "u1")
    await desk.settle_down()

    (talk,) = await RedisOutbox(desk.functions).conversations(await _only(desk))
    assert (len(desk.chat.shown), talk.maybe_doubled) == (2, 1)
    assert ["maybe doubled" in m.card.footer for m in desk.chat.shown] == [False, True]


async def test_what_is_claimed_again_while_the_last_step_is_put_away_goes_on_at_once(desk: Desk) -> None:
    """The end of the old claim must not make the new one look as if its lease was over."""

    class SlowAudit(RedisAudit):
        async def append(self, *lines: Mapping[str, str]) -> None:
            await asyncio.sleep(0.1)
            await super().append(*lines)

    class SlowSilences(FakeSilences):
        async def active(self, now: object) -> tuple[Silence, ...]:
            await asyncio.sleep(0.2)
            return await super().active(now)

    desk.audit, desk.silences = SlowAudit(desk.functions), SlowSilences()
    running = asyncio.create_task(desk.courier().run(Wake(), look_every=0.01))
    await desk.see(0, "u1")

    async with asyncio.timeout(5):
        while not desk.chat.shown:
            await asyncio.sleep(0.01)
        await desk.see(1, "u1", "u2")
        while not any(m.edits for m in desk.chat.shown):
            await asyncio.sleep(0.01)
    await end([running])


async def test_a_chat_that_hangs_keeps_no_other_waiting(desk: Desk) -> None:
    hanging = asyncio.Event()

    class Hanging(FakeChat):
        async def post(self, *args: object, **more: object) -> Receipt:
            await hanging.wait()
            raise AssertionError("cancelled before")

    group = Group(name="everywhere", channels=("slow:C1", "fake:C1"))
    desk.ingest = Ingest(desk.incidents, replace(RULES, groups=(group,)), desk.clock, Wake())
    courier = desk.courier({"slow": Hanging(name="slow"), "fake": desk.chat})
    running = asyncio.create_task(courier.run(Wake(), look_every=0.01))
    await desk.see(0, "u1")
    await desk.see(1, "u1", "u2")

    async with asyncio.timeout(5):
        while not any("text of uc" in m.card.plain for m in desk.chat.shown):
            await asyncio.sleep(0.01)
    await end([running])

    assert [m.thread is None for m in desk.chat.shown] in ([True, False], [True])


async def test_a_conversation_that_breaks_takes_no_other_with_it(desk: Desk) -> None:
    """A fault of ours, or of a library, in one chat: the others are told, and what they are being sent is not cut off."""
    slow = asyncio.Event()

    class Broken(FakeChat):
        async def post(self, *args: object, **more: object) -> Receipt:
            slow.set()
            raise TypeError("a reply that nobody thought of")

    class Slow(FakeChat):
        async def post(self, channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
            await slow.wait()
            await asyncio.sleep(0.05)
            return await super().post(channel, card, key=key, thread=thread)

    group = Group(name="everywhere", channels=("broken:C1", "fake:C1"))
    desk.ingest = Ingest(desk.incidents, replace(RULES, groups=(group,)), desk.clock, Wake())
    chat = Slow()
    courier = desk.courier({"broken": Broken(name="broken"), "fake": chat})
    await desk.see(0, "u1")
    running = asyncio.create_task(courier.run(Wake(), look_every=0.01))

    async with asyncio.timeout(5):
        while not chat.shown:
            await asyncio.sleep(0.01)
    await end([running])

    assert chat.calls == ["post"]


async def test_a_store_that_goes_away_cuts_nothing_off_that_is_being_sent(desk: Desk) -> None:
    class Slow(FakeChat):
        async def post(self, channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
            courier._outbox = Gone(desk.functions)
            await asyncio.sleep(0.05)
            return await super().post(channel, card, key=key, thread=thread)

    class Gone(RedisOutbox):
        async def claim(self, *args: object, **more: object) -> Sequence[Claimed]:  # type: ignore[override]
            raise StoreUnavailable("the store does not answer")

    chat = Slow()
    courier = desk.courier({"fake": chat})
    await desk.see(0, "u1")

    with pytest.raises(StoreUnavailable):
        await courier.run(Wake(), look_every=0.01)

    assert len(chat.shown) == 1
    (talk,) = await RedisOutbox(desk.functions).conversations(await _only(desk))
    assert talk.headline is not None


async def test_a_silence_withholds_and_then_tells(desk: Desk) -> None:
    await desk.silences.add(
        Silence(id="s", target="acme", until=at(30), by="Ada", why="known", created_at=at(0))
    )
    await desk.see(0, "u1")
    courier = desk.courier()
    while await courier.drain():
        pass
    before = len(desk.chat.shown)
    await desk.settle_down()

    assert (before, len(desk.chat.shown), desk.clock.now()) == (0, 1, at(30))


async def test_the_pace_of_a_channel_is_kept(desk: Desk) -> None:
    desk.limiter, desk.paces = RedisLimiter(desk.functions), {("fake", "post"): Pace(per_second=0.5, burst=1)}
    await desk.ingest.sighting(sighting(0, said("e1"), said("e2")))
    courier = desk.courier()
    await courier.drain()
    await courier.drain()

    assert len(desk.chat.shown) == 1


async def test_the_audit_says_what_was_done_and_why(desk: Desk) -> None:
    await desk.see(0, "u1")
    await desk.settle_down()

    (line,) = await desk.audit.tail(9)
    assert (line["what"], line["incident"], line["channel"], line["step"], line["outcome"]) == (
        "delivery",
        "INC-1",
        "fake:C1",
        "headline",
        "sent",
    )


async def test_an_incident_closed_while_the_chat_was_away_is_one_closed_headline(desk: Desk) -> None:
    away = [True]
    desk.chat.fault = lambda call: Unavailable("fake", "C1", "away") if away[0] else None
    await desk.see(0, "u1")
    await desk.courier().drain()
    await desk.see(5, "u1", "u2", status=Status.RESOLVED)
    away[0] = False
    await desk.settle_down()

    assert [m.thread for m in desk.chat.shown] == [None]
    assert desk.chat.shown[0].card.tone == "over"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    faults=st.lists(
        st.sampled_from(["ok", "lost", "away", "limited", "crash before", "crash after"]), max_size=12
    ),
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=4),
)
async def test_no_update_is_lost_or_doubled_whatever_fails(
    desk: Desk, faults: list[str], sizes: list[int]
) -> None:
    """Crashes are cancellations at the worst moments: after the intention was written, and after the chat took the message."""
    await desk.functions.client.flushall()
    desk.chat = FakeChat()
    desk.clock = VirtualClock(at(0))
    desk.ingest = Ingest(RedisIncidents(desk.functions), RULES, desk.clock, Wake())
    pending = list(faults)

    def fault(call: str) -> str | Exception | None:
        match pending.pop() if pending else "ok":
            case "away":
                return Unavailable("fake", "C1", "away")
            case "limited":
                return RateLimited("fake", "C1", timedelta(seconds=1))
            case "lost" | "crash after" if call == "post":
                return "lost"
            case "crash before":
                return _Crash()
            case _:
                return None

    desk.chat.fault = fault
    names: list[str] = []
    for minute, size in enumerate(sizes):
        names += [f"u{n:02d}" for n in range(len(names), len(names) + size)]
        await desk.see(minute, *names)
        await _until_calm(desk)

    replies = [m for m in desk.chat.shown if m.thread]
    texts = [s.text for m in replies for s in m.card.sections]
    (talk,) = await RedisOutbox(desk.functions).conversations(await _only(desk))
    assert len(desk.chat.shown) - len(replies) == 1, "one headline"
    assert len(texts) == len(set(texts)), "nothing twice"
    assert texts == sorted(texts), "in order"
    assert talk.told == set(names), "nothing lost"


class _Crash(BaseException):
    """The worker dies here."""


async def _until_calm(desk: Desk) -> None:
    for _ in range(80):
        try:
            await desk.settle_down()
            return
        except BaseExceptionGroup as exc:
            if exc.subgroup(_Crash) is None:
                raise
            # The heir finds the lease of the dead; in life it waits for its end, here we end it.
            for n in range(16):
                for member in await desk.functions.client.zrange(f"fogbell:{{s{n:02d}}}:leased", 0, -1):
                    await desk.functions.client.zadd(f"fogbell:{{s{n:02d}}}:leased", {member: 0})
    raise AssertionError("crashing for ever")


async def test_absence_is_no_news_for_a_window(desk: Desk) -> None:
    await desk.see(0, "u1")
    await desk.settle_down()
    await desk.ingest.sighting(sighting(5, listing=Listing.WINDOW))
    await desk.settle_down()

    assert len(desk.chat.calls) == 1
