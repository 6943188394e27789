"""Conversations on Redis: ports.Outbox. What is due, who holds it, what was written before and after each step.

After a fail-over of the store the newest writes may be missing; what may be concerned is marked, so that its chat is asked
before anything is posted there.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, cast

from bot.domain.conversation import Attempt, Conversation
from bot.domain.incident import Incident
from bot.errors import LeaseLost, StoreError
from bot.ports import Claimed
from bot.store import codec, keys
from bot.store.connecting import translated
from bot.store.functions import Call, Functions
from bot.telemetry import Event, log

EVERY_SHARD = range(keys.SHARDS)
CHANGED = 2  # what `settle` answers where the incident changed while its conversation was in work

Outcome = tuple[Claimed, Conversation, datetime | None]


class RedisOutbox:
    """ports.Outbox, for one worker: `owner` stays the same over its restarts."""

    def __init__(self, functions: Functions, owner: str = "") -> None:
        self._functions = functions
        self._owner = owner
        self._client = functions.client
        self._turn = 0
        self._life = functions.life
        self._lately: dict[
            tuple[int, str], float
        ] = {}  # what this worker wrote to, and when, by a clock that only goes on

    async def claim(
        self, now: datetime, limit: int, lease: timedelta, shards: Collection[int] | None = None
    ) -> Sequence[Claimed]:
        """Up to `limit` due conversations of each of these shards, or of all; the first one asked changes from call to call."""
        wanted = sorted(EVERY_SHARD if shards is None else shards)
        self._turn += 1
        first = self._turn % len(wanted) if wanted else 0
        calls = [
            (
                "fogbell_claim",
                [keys.due(n), keys.leased(n), keys.fence(n), keys.silences_state(n)],
                [
                    self._functions.ms(now),
                    limit,
                    millis(lease),
                    keys.conversation_prefix(n),
                    self._owner,
                    keys.ledger_prefix(n),
                ],
            )
            for n in wanted[first:] + wanted[:first]
        ]
        found = await self._functions.call_each(calls) if calls else []
        rows = [claimed for rows in found for row in rows if (claimed := claimed_of(row)) is not None]
        if self._functions.life is not self._life:
            # It was another server that answered, and nobody has marked anything there yet.
            rows = [replace(claimed, must_look=True) for claimed in rows]
            await self._meet(now)
        return rows

    async def _meet(self, now: datetime) -> None:
        life = self._functions.life
        try:
            await self.recheck(now)
        except StoreError:
            return  # what was claimed is in hand and marked; the next claim tries again
        self._life = life

    async def recheck(self, now: datetime) -> int:
        """Mark every conversation that lost writes may concern, and make it due; gives how many there are.

        These are the ones due or held, those written to within keys.TOUCHED_FOR as the store knows, and those that this
        worker knows it wrote to: the store may have lost even that.
        """
        self._forget_old()
        back = millis(keys.TOUCHED_FOR)
        calls = [
            (
                "fogbell_recheck",
                [keys.due(n), keys.leased(n), keys.touched(n)],
                [self._functions.ms(now), back, keys.conversation_prefix(n), millis(keys.CONVERSATION_TTL)]
                + [member for shard, member in self._lately if shard == n],
            )
            for n in EVERY_SHARD
        ]
        marked: int = sum(await self._functions.call_all(calls))
        log().warning(Event.STORE_MOVED, conversations=marked)
        return marked

    async def give_back(self, now: datetime) -> int:
        """Make due again what this worker held when it died; gives how many. Call it before the first claim."""
        calls = [
            (
                "fogbell_give_back",
                [keys.due(n), keys.leased(n)],
                [self._functions.ms(now), self._owner, keys.conversation_prefix(n)],
            )
            for n in EVERY_SHARD
        ]
        return sum(await self._functions.call_all(calls))

    async def begin(self, claimed: Claimed, attempt: Attempt) -> None:
        """Write the intention."""
        if not all(await self.begin_all([(claimed, attempt)])):
            raise _lost(claimed.talk)

    async def begin_all(self, pairs: Sequence[tuple[Claimed, Attempt]]) -> list[bool]:
        """Write many intentions in one go; gives which of the conversations are still ours."""
        rows = [(claimed, (codec.attempt_json(attempt),)) for claimed, attempt in pairs]
        return [answer > 0 for answer in await self._write("fogbell_begin", rows)]

    async def settle(self, claimed: Claimed, talk: Conversation, due_at: datetime | None) -> bool:
        """Write the outcome and let go; True when the incident changed meanwhile."""
        (answer,) = await self._settle([(claimed, talk, due_at)])
        if not answer:
            raise _lost(talk)
        return answer == CHANGED

    async def settle_all(self, outcomes: Sequence[Outcome]) -> bool:
        """Write many outcomes in one go; True when one of the incidents changed meanwhile."""
        return CHANGED in await self._settle(outcomes)

    async def _settle(self, outcomes: Sequence[Outcome]) -> list[int]:
        rows = [
            (
                claimed,
                (
                    codec.conversation_json(talk, claimed.aside),
                    self._functions.ms(due_at) if due_at else "",
                    "keep" if talk.attempt else "",
                    "look" if claimed.must_look else "",
                ),
            )
            for claimed, talk, due_at in outcomes
        ]
        return await self._write("fogbell_settle", rows, millis(keys.CONVERSATION_TTL))

    async def _write(
        self, script: str, rows: Sequence[tuple[Claimed, tuple[Any, ...]]], *head: Any
    ) -> list[int]:
        """Write to conversations, in one call for those of a shard; gives the scripts' answers in the given order."""
        places: dict[int, list[int]] = {}
        for place, (claimed, _) in enumerate(rows):
            places.setdefault(keys.shard(claimed.talk.provider), []).append(place)
        calls: list[Call] = []
        for n, its in places.items():
            sets = [keys.touched(n), *([keys.due(n), keys.leased(n)] if script == "fogbell_settle" else [])]
            names = [self._writing(n, rows[place][0].talk) for place in its]
            values = [
                x for place, member in zip(its, names, strict=True)
                for x in (rows[place][0].token, member, *rows[place][1])
            ]  # fmt: skip
            prefix = keys.conversation_prefix(n)
            calls.append((script, [*sets, *(prefix + member for member in names)], [*head, *values]))
        answers = await self._functions.call_all_durably(calls)
        found = dict(zip(chain.from_iterable(places.values()), chain.from_iterable(answers), strict=True))
        return [int(found[place]) for place in range(len(rows))]

    async def wake(self, talk: Conversation, due_at: datetime) -> None:
        """Make a conversation due."""
        n = keys.shard(talk.provider)
        key = keys.conversation(talk.provider, talk.subject, talk.channel)
        member = keys.member(talk.provider, talk.subject, talk.channel)
        await self._functions.call(
            "fogbell_wake", [keys.due(n), keys.leased(n), key], member, self._functions.ms(due_at)
        )

    async def next_due(self) -> datetime | None:
        """When the earliest unclaimed conversation is due."""
        async with translated(), self._client.pipeline(transaction=False) as pipe:
            for n in EVERY_SHARD:
                pipe.zrange(keys.due(n), 0, 0, withscores=True)
            rows = await pipe.execute()
        times = [row[0][1] for row in rows if row]
        return self._functions.at(min(times)) if times else None

    async def conversations(self, incident: Incident) -> tuple[Conversation, ...]:
        """What each channel is known to hold."""
        talks = []
        for channel in incident.channels:
            key = keys.conversation(incident.provider, incident.id, channel)
            async with translated():
                answer = cast(Awaitable[Any], self._client.hmget(key, ["state", "attempt"]))
                state, attempt = await answer
            if state:
                talks.append(codec.conversation_of(state, attempt))
        return tuple(talks)

    def _writing(self, number: int, talk: Conversation) -> str:
        """The name of a conversation that is about to be written to, which is noted."""
        member = keys.member(talk.provider, talk.subject, talk.channel)
        self._lately.pop((number, member), None)
        self._lately[number, member] = time.monotonic()
        self._forget_old()
        return member

    def _forget_old(self) -> None:
        """Let go of what was written to long ago: the oldest are in front."""
        horizon = time.monotonic() - keys.TOUCHED_FOR.total_seconds()
        while self._lately and self._lately[oldest := next(iter(self._lately))] < horizon:
            del self._lately[oldest]


def _lost(talk: Conversation) -> LeaseLost:
    return LeaseLost(f"{talk.subject} in {talk.channel}: another worker owns it")


def claimed_of(row: Sequence[Any]) -> Claimed | None:
    """What was claimed, or None for what cannot be read: the others must not wait for it, and its lease runs out by itself."""
    member, token, state, attempt, must_look, revision, silences = row
    provider, incident, channel = member.decode().split("|", 2)
    talk = Conversation(subject=incident, provider=provider, channel=channel)
    aside: codec.Aside = ()
    try:
        if state:
            talk, aside = codec.conversation_and_aside(state, attempt)
        elif attempt:
            talk = codec.with_attempt(talk, attempt)
    except StoreError as exc:
        log().error(Event.STORE_UNREADABLE, incident=incident, channel=channel, reason=str(exc))
        return None
    return Claimed(
        talk=talk,
        token=int(token),
        aside=aside,
        must_look=bool(must_look),
        revision=int(revision or 0),
        silences=(silences or b"").decode(),
    )


def millis(span: timedelta) -> int:
    """A time span as Redis wants it."""
    return int(span.total_seconds() * 1000)
