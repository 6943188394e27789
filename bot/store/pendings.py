"""The outbox as operators see it: ports.Pendings. What waits, and one conversation taken out of turn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.domain.conversation import Conversation
from bot.domain.standing import Pending
from bot.errors import StoreError
from bot.ports import Claimed
from bot.store import codec, keys
from bot.store.connecting import translated
from bot.store.functions import Functions
from bot.store.outbox import EVERY_SHARD, RedisOutbox, claimed_of, millis

IN_ONE_GO = 100  # conversations read together: more would hold up what else is due


class RedisPendings:
    """ports.Pendings, beside the outbox of one worker. `owner` is no worker's: none gives back what an operator holds."""

    def __init__(self, functions: Functions, outbox: RedisOutbox, owner: str = "operator") -> None:
        self._functions = functions
        self._outbox = outbox
        self._owner = owner
        self._client = functions.client

    async def pending(self) -> Sequence[Pending]:
        """Read in pieces. What this version cannot read is left out: a worker logs it."""
        times = await self._times()
        members = list(times)
        found: list[Pending] = []
        for start in range(0, len(members), IN_ONE_GO):
            part = members[start : start + IN_ONE_GO]
            async with translated(), self._client.pipeline(transaction=False) as pipe:
                for n, member in part:
                    pipe.hmget(keys.conversation_prefix(n) + member.decode(), ["state", "attempt"])
                rows = await pipe.execute()
            for (n, member), (state, attempt) in zip(part, rows, strict=True):
                talk = _talk(member, state, attempt)
                if talk is not None:
                    found.append(Pending(talk=talk, due_at=times[n, member]))
        return found

    async def _times(self) -> dict[tuple[int, bytes], datetime | None]:
        """When each waiting member is due, by its shard and name; None for those in work."""
        async with translated(), self._client.pipeline(transaction=False) as pipe:
            for n in EVERY_SHARD:
                pipe.zrange(keys.due(n), 0, -1, withscores=True)
                pipe.zrange(keys.leased(n), 0, -1)
            rows: list[Any] = await pipe.execute()
        times: dict[tuple[int, bytes], datetime | None] = {}
        for n in EVERY_SHARD:
            times |= {(n, member): self._functions.at(score) for member, score in rows[2 * n]}
            times |= {(n, member): None for member in rows[2 * n + 1]}
        return times

    async def claim_one(self, provider: str, incident: str, channel: str, lease: timedelta) -> Claimed | None:
        """One script."""
        n, member = keys.shard(provider), keys.member(provider, incident, channel)
        row = await self._functions.call(
            "fogbell_claim_one",
            [keys.due(n), keys.leased(n), keys.fence(n), keys.conversation(provider, incident, channel)],
            member,
            millis(lease),
            self._owner,
        )
        return None if row is None else claimed_of(row)

    async def settle(self, claimed: Claimed, talk: Conversation, due_at: datetime | None) -> None:
        """As the outbox does."""
        await self._outbox.settle(claimed, talk, due_at)


def _talk(member: bytes, state: bytes | None, attempt: bytes | None) -> Conversation | None:
    provider, incident, channel = member.decode().split("|", 2)
    talk = Conversation(subject=incident, provider=provider, channel=channel)
    try:
        if state is not None:
            return codec.conversation_of(state, attempt)
        return talk if attempt is None else codec.with_attempt(talk, attempt)
    except StoreError:
        return None
