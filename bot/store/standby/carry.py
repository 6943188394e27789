"""Bringing home what a worker did while the store was away. Everything here may be done twice.

What somebody else went on with meanwhile stands: conversations are then looked up in the chat, feeds are read anew.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import redis.asyncio as aioredis

from bot.domain.conversation import Conversation
from bot.domain.incident import Incident, Ledger
from bot.errors import Conflict
from bot.store import codec, keys
from bot.store.redis import Functions, RedisIncidents, millis, translated
from bot.store.standby.merging import difference, follows
from bot.store.standby.mirror import asked, talks_of
from bot.telemetry import Event, log

ATTEMPTS = 10


async def carry(own: Functions, store: Functions, now: datetime) -> int:
    """Write into `store` what `own` has beyond it; gives how many incidents and conversations that were. Raises StoreError."""
    ours, theirs = RedisIncidents(own), RedisIncidents(store)
    await _carry_small(own.client, store.client)
    carried = 0
    for provider in await ours.providers():
        ledger = await ours.read(provider)
        carried += await _carry_ledger(ledger, theirs, store.client, now)
        stored = await theirs.read(provider)
        for incident in ledger.incidents.values():
            if incident.id in stored.incidents:
                carried += await _carry_talks(incident, own, store, now)
    async with translated():
        await store.client.set(keys.CARRIED, 1, ex=keys.CARRIED_TTL)
    return carried


async def _carry_small(own: aioredis.Redis, store: aioredis.Redis) -> None:
    """Numbers that were given out, silences, added pages, and the audit."""
    async with translated():
        ahead, stored = await asked(own, [("get", keys.NUMBER)]), await asked(store, [("get", keys.NUMBER)])
        gap = int(ahead[0] or 0) - int(stored[0] or 0)
        kept = {key: await cast(Any, own.hgetall(key)) for key in (keys.SILENCES, keys.MONITORS)}
        lines = cast(Any, await own.xrange(keys.AUDIT))
        calls: list[tuple[Any, ...]] = [("incrby", keys.NUMBER, gap)] if gap > 0 else []
        calls += [("hset", key, None, None, fields) for key, fields in kept.items() if fields]
        calls += [("xadd", keys.AUDIT, fields, "*", keys.AUDIT_MAX_LINES, True) for _, fields in lines]
        await asked(store, calls)
        await own.delete(keys.AUDIT)


async def _carry_ledger(ledger: Ledger, theirs: RedisIncidents, store: aioredis.Redis, now: datetime) -> int:
    for _ in range(ATTEMPTS):
        stored = await theirs.read(ledger.provider)
        decision = difference(stored, ledger)
        if decision is None:
            return 0
        try:
            return len(await theirs.commit(stored, decision, now))
        except Conflict:
            continue
    log().warning(Event.STANDBY_LEFT, provider=ledger.provider, reason="others write there all the time")
    return 0


async def _carry_talks(incident: Incident, own: Functions, store: Functions, now: datetime) -> int:
    async with translated():
        names = talks_of(incident)
        fields = ("state", "attempt", "token", "settled")
        here = await asked(own.client, [("hmget", name, *fields) for name in names])
        there = await asked(store.client, [("hmget", name, *fields) for name in names])
    carried = 0
    for name, ours, theirs in zip(names, here, there, strict=True):
        if ours[0] is None:
            continue
        talk = codec.conversation_of(ours[0], ours[1])
        stored = codec.conversation_of(theirs[0], None) if theirs[0] else None
        was_said_here = ours[3] is not None
        is_ahead = stored is None or len(stored.messages) < len(talk.messages)
        if follows(stored, talk) and (was_said_here or is_ahead):
            carried += await _carry_talk(name, talk, ours, theirs, store, now)
    return carried


async def _carry_talk(
    name: str, talk: Conversation, ours: list[Any], theirs: list[Any], store: Functions, now: datetime
) -> int:
    n = keys.shard(talk.provider)
    written = await store.call(
        "fogbell_carry",
        [name, keys.due(n), keys.leased(n), keys.fence(n)],
        theirs[2] or "",
        theirs[3] or "",
        keys.member(talk.provider, talk.subject, talk.channel),
        ours[0],
        ours[1] or "",
        int(now.timestamp() * 1000),
        millis(keys.CONVERSATION_TTL),
    )
    return int(written)
