"""Webhook and Apprise behind the outbox: what a lost reply does where nothing can be looked up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bot.chats.apprise.client import AppriseChat
from bot.chats.webhook.client import Webhook, WebhookChat
from bot.clock import SystemClock
from bot.domain.conversation import Conversation
from bot.domain.routing import Group
from bot.domain.rules import EVERYTHING, Rules
from bot.domain.silences import Silence
from bot.domain.words import Status
from bot.pipeline.ingest import Ingest
from bot.pipeline.outbox import Courier, Voice
from bot.pipeline.wake import Wake
from bot.ports import Chat
from bot.replay import VirtualClock
from bot.store.redis import Functions, RedisIncidents, RedisOutbox
from tests.build import at, said, sighting, update
from tests.chats.contract import TIMEOUT, Fault, Verb
from tests.fakes.sinks import SinkServer
from tests.fakes.webhook import SECRET, Receiver

# Apprise's mail plugin imports it, where Python still has it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class NoSilences:
    """Nobody asked to be quiet."""

    async def add(self, silence: Silence) -> None:
        raise AssertionError("nobody asks")

    async def active(self, now: object) -> tuple[Silence, ...]:
        return ()


@dataclass
class Desk:
    """A worker's delivery half, with one channel and a clock that jumps."""

    functions: Functions
    chat: Chat
    channel: str
    clock: VirtualClock

    async def see(self, minutes: int, *names: str, **changes: object) -> None:
        """The feed says these updates, and all that follows from it is delivered."""
        await self.hear(minutes, *names, **changes)
        await self._settle_down()

    async def hear(self, minutes: int, *names: str, **changes: object) -> None:
        """The feed says these updates."""
        rules = Rules(routes=(EVERYTHING,), groups=(Group(name="everywhere", channels=(self.channel,)),))
        self.clock.set(at(minutes))
        updates = tuple(update(name, n) for n, name in enumerate(names))
        ingest = Ingest(RedisIncidents(self.functions), rules, self.clock, Wake())
        await ingest.sighting(sighting(minutes, said(updated_at=at(minutes), updates=updates, **changes)))

    def courier(self) -> Courier:
        """A new worker: it remembers nothing that is not in the store."""
        outbox, incidents = RedisOutbox(self.functions), RedisIncidents(self.functions)
        chats = {self.channel.partition(":")[0]: self.chat}
        return Courier(outbox, incidents, NoSilences(), chats, self.clock, voice=Voice(names={}))

    async def talk(self) -> Conversation:
        """What the channel is known to hold of the first incident."""
        incident = await RedisIncidents(self.functions).find("INC-1")
        assert incident is not None
        (talk,) = await RedisOutbox(self.functions).conversations(incident)
        return talk

    async def _settle_down(self) -> None:
        outbox, courier = RedisOutbox(self.functions), self.courier()
        for _ in range(60):
            while await courier.drain():
                pass
            due = await outbox.next_due()
            if due is None:
                return
            self.clock.set(due)
        raise AssertionError("the outbox does not come to rest")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with receiver.server:
        yield receiver


@pytest.fixture
async def bus(functions: Functions, receiver: Receiver) -> AsyncIterator[Desk]:
    hook = Webhook(name="bus", url=receiver.server.url, secrets=(SECRET,))
    chat = WebhookChat([hook], clock=SystemClock(), timeout=TIMEOUT)
    yield Desk(functions, chat, "webhook:bus", VirtualClock(at(0)))
    await chat.close()


@pytest.fixture
async def sink() -> AsyncIterator[SinkServer]:
    async with SinkServer() as server:
        yield server


@pytest.fixture
async def service(functions: Functions, sink: SinkServer) -> AsyncIterator[Desk]:
    chat = AppriseChat({"ops": f"json://{sink.netloc}/"}, timeout=TIMEOUT, clock=SystemClock())
    yield Desk(functions, chat, "apprise:ops", VirtualClock(at(0)))
    await chat.close()


async def test_a_webhook_hears_headline_updates_and_edits_in_one_thread(
    bus: Desk, receiver: Receiver
) -> None:
    await bus.see(0, "u1")
    await bus.see(5, "u1", "u2")

    headline, reply = receiver.messages().values()
    assert (headline["thread"], reply["thread"]) == (None, headline["id"])
    assert [taken.json["kind"] for taken in receiver.server.taken] == ["headline", "update", "edit"]
    assert update("u2", 1).text in headline["text"]


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.GARBLED])
async def test_after_a_lost_reply_the_webhook_gets_the_same_id_and_holds_one_message(
    bus: Desk, receiver: Receiver, fault: Fault
) -> None:
    """The store knows that it may be doubled; a receiver that keeps ids sees it once."""
    receiver.fail_next(Verb.POST, fault)
    await bus.see(0, "u1")
    receiver.fail_next(Verb.POST, fault)
    await bus.see(5, "u1", "u2")

    posted = [t.headers["Webhook-Id"] for t in receiver.server.taken if t.json["kind"] != "edit"]
    assert [posted[0], posted[0], posted[2], posted[2]] == posted
    assert len(receiver.messages()) == 2
    assert (await bus.talk()).maybe_doubled == 2


async def test_what_came_meanwhile_is_not_lost_to_a_receiver_that_drops_known_ids(
    bus: Desk, receiver: Receiver
) -> None:
    """One update was sent and its reply lost; its repetition, under the same key, catches up on eight: another delivery."""
    await bus.see(0, "u1")
    receiver.fail_next(Verb.POST, Fault.CUT_AFTER)
    await bus.hear(5, "u1", "u2")
    await bus.courier().drain()

    names = [f"u{n}" for n in range(1, 10)]
    await bus.see(9, *names)

    by_delivery = {taken.headers["Webhook-Id"]: taken.json for taken in reversed(receiver.server.taken)}
    held = {event["id"]: event for event in reversed(by_delivery.values())}
    texts = [section["text"] for event in held.values() for section in event["sections"]]
    assert [name for name in names[1:] if update(name, 0).text not in "\n".join(texts)] == []
    assert len(held) == 2


async def test_a_service_without_edits_hears_changes_as_messages(service: Desk, sink: SinkServer) -> None:
    await service.see(0, "u1")
    await service.see(5, "u1", "u2")
    await service.see(9, "u1", "u2", status=Status.RESOLVED)

    titles = [taken.json["title"] for taken in sink.taken]
    assert len(titles) == 3
    assert all(title.startswith("INC-1: ") for title in titles)
    assert sink.taken[-1].json["type"] == "success"


async def test_after_a_lost_reply_a_service_is_told_again_and_it_is_noted(
    service: Desk, sink: SinkServer
) -> None:
    sink.fail_next("post", Fault.CUT_AFTER)

    await service.see(0, "u1")

    assert len(sink.taken) == 2
    assert (await service.talk()).maybe_doubled == 1


async def test_what_was_certainly_not_taken_is_not_noted_as_doubled(service: Desk, sink: SinkServer) -> None:
    sink.fail_next("post", 429)

    await service.see(0, "u1")

    assert (len(sink.arrived), len(sink.taken)) == (2, 1)
    assert (await service.talk()).maybe_doubled == 0
