"""What the model and the matrix found wrong in delivery, each as the shortest story that showed it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from bot.domain.card import Card
from bot.domain.conversation import Conversation, Limits, Receipt, Step, StepKind, settled
from bot.domain.delivery import LATE_BY, plan
from bot.domain.incident import Incident
from bot.errors import ChatError, Unavailable, Uncertain
from bot.pipeline import sending
from bot.replay import VirtualClock
from tests.build import at, incident, update
from tests.fakes.chat import FakeChat, Shown
from tests.scenarios.matrix_cells import dies, storm, told
from tests.scenarios.matrix_chats import Read
from tests.scenarios.matrix_world import Died, World


@dataclass
class FakeSide:
    """A chat in memory."""

    name: str = "fake"
    address: str = "C1"
    chat: FakeChat = field(default_factory=lambda: FakeChat(limits=Limits(gathers=True)))

    async def __aenter__(self) -> FakeSide:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def client(self) -> FakeChat:
        return self.chat

    def fail_next(self, verb: str, fault: str) -> None:
        raise NotImplementedError

    def is_waiting(self) -> bool:
        return False

    def read(self) -> list[Read]:
        plain = [(m.id, m.card.plain, m.thread) for m in self.chat.shown]
        return [Read(id=name, text=text, ever=text, thread=thread) for name, text, thread in plain]

    def delete(self, message: str) -> None:
        self.chat.shown = [m for m in self.chat.shown if m.id != message]


@pytest.fixture
async def side() -> FakeSide:
    return FakeSide()


@pytest.fixture
async def world(side: FakeSide, redis_url: str) -> AsyncIterator[World]:
    world = World(side)
    await world.open(redis_url, 1)
    yield world
    await world.close()


def heads(side: FakeSide) -> list[Read]:
    return [m for m in side.read() if m.thread is None]


async def test_a_headline_that_was_found_is_not_forgotten_when_the_worker_dies_in_the_next_step(
    world: World, side: FakeSide
) -> None:
    """What was found was only in memory, and the next intention was written over the one that had led to it."""
    await world.see(told("alpha"))
    world.trap.point, world.trap.action = "after post", dies
    await world.workers[0].turn()
    await world.see(told("alpha", "bravo"))
    world.trap.point, world.trap.sprung = "before post", 0
    await world.calm()

    assert world.trap.sprung
    assert len(heads(side)) == 1


async def test_after_a_fail_over_the_chat_is_asked_also_when_there_is_nothing_to_say_at_first(
    world: World, side: FakeSide
) -> None:
    """The mark was gone with the first settle, though nobody had looked."""
    await world.see(told("alpha"))
    await world.calm()
    await world.workers[0].outbox.recheck(world.clock.now())
    await world.calm()
    side.chat.calls.clear()

    await world.see(told("alpha", "bravo"))
    await world.calm()

    assert side.chat.calls == ["find", "post", "edit"]


async def test_an_intention_that_outlived_a_fail_over_is_looked_for_once(
    world: World, side: FakeSide
) -> None:
    """Some of Slack's apps may ask once a minute: the second question was refused, and the first one asked again, for ever."""
    await world.see(told("alpha"))
    world.trap.point, world.trap.action = "before post", dies
    await world.workers[0].turn()
    world.clock.set(world.clock.now() + LATE_BY)
    await world.workers[0].outbox.recheck(world.clock.now())

    await world.calm()

    assert side.chat.calls == ["find", "post"]


async def test_what_is_found_without_its_intention_is_brought_up_to_date(
    world: World, side: FakeSide
) -> None:
    """It was taken for what would have been posted now."""
    await world.see(told("alpha"))
    held = await world.snapshot()
    await world.calm()
    await world.fail_over(held)
    await world.see(told("alpha", "bravo"))
    await world.calm()

    (head,) = heads(side)
    assert "bravo" in head.text


def test_a_reply_has_the_same_key_whatever_the_store_forgot_before_it() -> None:
    """By its place it would take the key of a message that is there, and Discord answer with that one."""
    second = replace(incident(), updates=(update("u1", 0), update("u2", 1)))
    third = replace(second, updates=(*second.updates, update("u3", 2)))
    whole = _delivered(second, _delivered(incident(), _empty()))
    forgotten = _delivered(second, _empty())

    assert len(whole.messages) == 2
    assert len(forgotten.messages) == 1
    assert _next(third, whole).key == _next(third, forgotten).key


def _empty() -> Conversation:
    return Conversation(subject="INC-1", provider="acme", channel="fake:C1")


def _next(incident: Incident, talk: Conversation) -> Step:
    step = plan(incident, talk, Limits())
    assert isinstance(step, Step)
    return step


def _delivered(incident: Incident, talk: Conversation) -> Conversation:
    while isinstance(step := plan(incident, talk, Limits()), Step):
        talk = settled(talk, step, Receipt(channel="C1", message=f"m{len(talk.messages)}"))
    return talk


async def test_an_edit_that_a_dead_worker_sent_is_followed_by_another_when_it_can_no_longer_come_late(
    world: World, side: FakeSide
) -> None:
    await world.see(told("alpha"))
    await world.calm()
    world.trap.point, world.trap.action = "before edit", dies
    began = world.clock.now()
    await world.see(told("alpha", title="Trouble with gadgets"))
    await world.calm()

    assert side.chat.calls == ["post", "edit", "edit"]
    assert world.clock.now() - began >= LATE_BY


async def test_a_headline_deleted_twice_is_left_alone_and_costs_nothing(world: World, side: FakeSide) -> None:
    """The hourly look wrote it again, was told that it is gone, and began anew at once, for ever."""
    await world.see(told("alpha"))
    await world.calm()
    for words in (("alpha", "bravo"), ("alpha", "bravo", "charlie")):
        world.delete(lambda text: True)
        await world.see(told(*words))
        await world.calm()
    world.clock.set(world.clock.now() + timedelta(hours=2))
    (talk,) = await _talks(world)
    await world.workers[0].outbox.wake(talk, world.clock.now())

    await world.calm()

    assert heads(side) == []


async def test_a_line_among_others_whose_edit_had_no_answer_comes_to_rest(
    world: World, side: FakeSide
) -> None:
    """There is no headline to write again, and so it was looked at again at once, for ever."""
    await world.see(*storm())
    await world.calm()
    slow = [TimeoutError()]

    def fault(call: str) -> ChatError | None:
        return _unanswered(slow.pop()) if call == "edit" and slow else None

    side.chat.fault = fault
    await world.see(*storm()[1:])  # the first one is over

    await world.calm()

    assert not slow
    assert StepKind.GATHERED in {m.kind for talk in await _talks(world) for m in talk.messages}


def _unanswered(cause: Exception, kind: type[ChatError] = Unavailable) -> ChatError:
    error = kind("fake", "C1", "no answer in time")
    error.__cause__ = cause
    return error


async def test_a_post_that_arrives_long_after_the_chat_gave_no_answer_is_not_said_twice(
    world: World, side: FakeSide
) -> None:
    """The chat takes it, answers nothing, and shows it 20 seconds later: until then it cannot be found."""
    chat = side.chat
    arrives_at: list[datetime] = []

    def fault(call: str) -> ChatError | None:
        now = world.clock.now()
        if call == "post" and not arrives_at:
            arrives_at.append(now + timedelta(seconds=20))
            return _unanswered(TimeoutError(), Uncertain)
        return None

    chat.fault = fault
    card_of = chat.post

    async def post(channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
        try:
            return await card_of(channel, card, key=key, thread=thread)
        except Uncertain:
            under_way.append(Shown(id="late", channel=channel, key=key, card=card, thread=None))
            raise

    under_way: list[Shown] = []
    chat.post = post  # type: ignore[method-assign]
    moved = world.clock.set

    def tick(at: datetime) -> None:
        moved(at)
        if under_way and world.clock.now() >= arrives_at[0]:
            chat.shown.append(under_way.pop())

    world.clock.set = tick  # type: ignore[method-assign]
    await world.see(told("alpha"))
    await world.calm()

    assert [m.id for m in heads(side)] == ["late"]


async def _talks(world: World) -> list[Conversation]:
    ledger = await world.workers[0].incidents.read("acme")
    outbox = world.workers[0].outbox
    return [talk for one in ledger.incidents.values() for talk in await outbox.conversations(one)]


@dataclass
class SlowChat(FakeChat):
    """Carries the first post out 20 s after it was asked; whoever asked is gone by then, or the connection cut `is_cut`."""

    is_cut: bool = False
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(at(0)))
    under_way: list[Shown] = field(default_factory=list)
    arrives_at: datetime | None = None

    async def post(self, channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
        receipt = await super().post(channel, card, key=key, thread=thread)
        if self.arrives_at is None:
            self.arrives_at = self.clock.now() + timedelta(seconds=20)
            self.under_way.append(self.shown.pop())
            if not self.is_cut:
                raise Died
            await asyncio.sleep(0.05)
            raise Uncertain("fake", "C1", "the connection was lost") from ConnectionResetError()
        return receipt

    async def find(
        self, channel: str, *, key: str, since: datetime, thread: Receipt | None = None
    ) -> Receipt | None:
        if self.arrives_at and self.clock.now() >= self.arrives_at:
            self.shown += self.under_way
            self.under_way.clear()
        return await super().find(channel, key=key, since=since, thread=thread)


@pytest.mark.parametrize("is_cut", [False, True], ids=["its sender died", "it was cut off"])
async def test_a_post_that_a_slow_chat_carries_out_later_is_waited_for(
    is_cut: bool, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restarted worker is given its work back at once, and whose connection was cut looked at once: the post was not there
    yet, and said again."""
    monkeypatch.setattr(sending, "SLOW_S", 0.04)
    clock = VirtualClock(at(0))
    chat = SlowChat(clock=clock, is_cut=is_cut)
    side = FakeSide(chat=chat)
    world = World(side, clock)
    await world.open(redis_url, 1)
    await world.see(told("alpha"))
    await world.calm()
    await world.close()

    assert chat.arrives_at is not None
    assert not chat.under_way
    assert len(heads(side)) == 1
