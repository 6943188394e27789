"""The world of the fault matrix: workers on a real store and a virtual clock, one provider, one channel of one chat.

A worker can die at any point of its way (`Trap`), and its heir begins as one does after a restart. `calm` lets time go on until
nothing is due anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.domain.card import Card
from bot.domain.conversation import Receipt
from bot.domain.observation import Observation
from bot.domain.routing import Group
from bot.domain.rules import EVERYTHING, Rules
from bot.errors import StoreUnavailable
from bot.pipeline.ingest import Ingest
from bot.pipeline.outbox import Courier, Voice
from bot.pipeline.wake import Wake
from bot.ports import Chat
from bot.replay import VirtualClock
from bot.store import keys
from bot.store.connecting import home_of
from bot.store.functions import Call, Functions
from bot.store.redis import RedisIncidents, RedisOutbox, connect
from tests.build import at, sighting
from tests.fakes.store_fakes import FakeAudit, FakeSilences
from tests.scenarios.matrix_chats import Side

TURNS_MAX = 300


class Died(BaseException):
    """The worker dies here: nothing of it runs on."""


@dataclass
class Trap:
    """Springs once, when a worker comes by a point of its way: "post", "edit" before and after, or a script of the store's."""

    point: str = ""
    action: Callable[[Worker], Awaitable[None]] | None = None
    sprung: int = 0

    async def pass_by(self, point: str, worker: Worker) -> None:
        if point == self.point and not self.sprung:
            self.sprung += 1
            assert self.action is not None
            await self.action(worker)


class Trapped(Functions):
    """Our scripts, with a trap before and after each."""

    worker: Worker
    trap: Trap

    async def call_durably(self, name: str, keys_: Sequence[str], *args: Any) -> Any:
        await self.trap.pass_by(f"before {_word(name)}", self.worker)
        answer = await super().call_durably(name, keys_, *args)
        await self.trap.pass_by(f"after {_word(name)}", self.worker)
        return answer

    async def call_all(self, calls: Sequence[Call]) -> list[Any]:
        return await self._passing(calls, super().call_all)

    async def call_each(self, calls: Sequence[Call]) -> list[Any]:
        return await self._passing(calls, super().call_each)

    async def _passing(
        self, calls: Sequence[Call], ask: Callable[[Sequence[Call]], Awaitable[list[Any]]]
    ) -> list[Any]:
        for name in {_word(name) for name, _, _ in calls}:
            await self.trap.pass_by(f"before {name}", self.worker)
        answer = await ask(calls)
        for name in {_word(name) for name, _, _ in calls}:
            await self.trap.pass_by(f"after {name}", self.worker)
        return answer


def _word(script: str) -> str:
    return script.removeprefix("fogbell_")


class TrappedChat:
    """A chat, with a trap before and after each call."""

    def __init__(self, chat: Chat, worker: Worker, trap: Trap) -> None:
        self.name, self.limits = chat.name, chat.limits
        self._chat, self._worker, self._trap = chat, worker, trap

    async def post(self, channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
        await self._trap.pass_by("before post", self._worker)
        receipt = await self._chat.post(channel, card, key=key, thread=thread)
        await self._trap.pass_by("after post", self._worker)
        return receipt

    async def edit(self, receipt: Receipt, card: Card, *, thread: Receipt | None = None) -> None:
        await self._trap.pass_by("before edit", self._worker)
        await self._chat.edit(receipt, card, thread=thread)
        await self._trap.pass_by("after edit", self._worker)

    async def find(
        self, channel: str, *, key: str, since: datetime, thread: Receipt | None = None
    ) -> Receipt | None:
        if self._worker.world.is_blind:
            return None
        return await self._chat.find(channel, key=key, since=since, thread=thread)

    async def ping(self) -> None:
        await self._chat.ping()

    async def close(self) -> None:
        await self._chat.close()


@dataclass
class WrongClock:
    """A worker's clock: the true one, and how wrong it goes."""

    true: VirtualClock
    skew: timedelta = timedelta()

    def now(self) -> datetime:
        return self.true.now() + self.skew

    async def sleep(self, seconds: float) -> None:
        await self.true.sleep(seconds)


class Worker:
    """The delivery half of one replica."""

    def __init__(self, world: World, owner: str, functions: Trapped) -> None:
        self.world, self.owner, self.functions = world, owner, functions
        functions.worker, functions.trap = self, world.trap
        self.clock = WrongClock(world.clock)
        self.client = world.side.client()
        self.chat: Chat = TrappedChat(self.client, self, world.trap)
        self.reborn()

    def reborn(self) -> None:
        """Begin anew: nothing is remembered that is not in the store."""
        self.outbox = RedisOutbox(self.functions, self.owner)
        self.incidents = RedisIncidents(self.functions)
        self.courier = Courier(
            self.outbox,
            self.incidents,
            FakeSilences(),
            {self.chat.name: self.chat},
            self.clock,
            voice=Voice(names={}),
            audit=self.world.audit,
            reasserts=True,
        )

    async def turn(self) -> int:
        """Deliver what is due now; gives how much that was. A dead worker starts again, as its host sees to it."""
        try:
            return await self.courier.drain()
        except StoreUnavailable:
            return 1
        except BaseExceptionGroup as exc:
            if exc.subgroup(Died) is None:
                raise
        except Died:
            pass
        self.reborn()
        await self.outbox.give_back(self.clock.now())
        return 1


@dataclass
class World:
    """Everything. `deleted` holds the texts that people deleted, `held` what a replica knows that stopped to follow.

    With `is_blind` the chat never finds a message.
    """

    side: Side
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(at(0)))
    trap: Trap = field(default_factory=Trap)
    audit: FakeAudit = field(default_factory=FakeAudit)
    workers: list[Worker] = field(default_factory=list)
    others: list[Worker] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    held: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)
    is_blind: bool = False
    _clients: list[Any] = field(default_factory=list)

    async def open(self, url: str, replicas: int) -> None:
        """Start that many workers on this store."""
        for n in range(replicas + 1):
            client = connect(url)
            self._clients.append(client)
            functions = Trapped(client)
            worker = Worker(self, f"worker-{n}", functions)
            (self.workers if n < replicas else self.others).append(worker)
        group = Group(name=EVERYTHING.to[0], channels=(self.channel,))
        rules = Rules(routes=(EVERYTHING,), groups=(group,))
        self.ingest = Ingest(self.workers[0].incidents, rules, self.clock, Wake())

    async def close(self) -> None:
        """Let go of everything."""
        for worker in (*self.workers, *self.others):
            await worker.client.close()
        for client in self._clients:
            await client.aclose()

    @property
    def channel(self) -> str:
        """The one channel."""
        return f"{self.side.name}:{self.side.address}"

    async def see(self, *observations: Observation) -> None:
        """The provider's page says this now; a look that the store cuts short is repeated."""
        minutes = (self.clock.now() - at(0)).total_seconds() / 60
        for _ in range(3):
            try:
                await self.ingest.sighting(sighting(minutes, *observations))
                return
            except StoreUnavailable:
                continue
        raise AssertionError("the store does not come back")

    async def calm(self) -> None:
        """Let all deliver, and time go on, until nothing is due and nothing is held."""
        for _ in range(TURNS_MAX):
            if sum(await asyncio.gather(*(worker.turn() for worker in self.workers))):
                continue
            if await self.end_leases():
                continue
            due = await self.workers[0].outbox.next_due()
            if due is None:
                return
            slowest = min(worker.clock.skew for worker in self.workers)
            self.clock.set(due - slowest)
            await asyncio.sleep(0.002)
        raise AssertionError("it does not come to rest")

    async def end_leases(self) -> int:
        """The leases of all that nobody works on any more run out; gives how many."""
        client, ended = self._clients[0], 0
        for n in range(keys.SHARDS):
            for member in await client.zrange(keys.leased(n), 0, -1):
                await client.zadd(keys.leased(n), {member: 0})
                ended += 1
        return ended

    async def snapshot(self) -> dict[bytes, tuple[bytes, int]]:
        """What the store holds."""
        client = self._clients[0]
        return {
            key: (await client.dump(key), max(await client.pttl(key), 0)) for key in await client.keys("*")
        }

    async def fail_over(self, held: dict[bytes, tuple[bytes, int]]) -> None:
        """Another server takes over that holds no more than this."""
        client = self._clients[0]
        await client.flushall()
        for key, (value, life) in held.items():
            await client.restore(key, life, value)
        for one in self._clients:
            home_of(one).leave()

    def delete(self, is_wanted: Callable[[str], bool]) -> None:
        """Somebody deletes the message of the channel that reads like this."""
        found = next(m for m in self.side.read() if m.thread is None and is_wanted(m.text))
        self.deleted.append(found.text)
        self.side.delete(found.id)
