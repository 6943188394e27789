"""Bringing home what a worker did while the store was away. Everything here may be done twice.

What somebody else went on with meanwhile stands: conversations are then looked up in the chat, feeds are read anew.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, cast

import redis.asyncio as aioredis

from bot.domain.conversation import Conversation
from bot.domain.incident import Incident, Ledger
from bot.errors import Conflict, StoreError, StoreUnavailable
from bot.store import codec, keys
from bot.store.redis import Functions, RedisIncidents, millis, translated
from bot.store.sharing import RedisAudit
from bot.store.standby.merging import difference, follows
from bot.store.standby.mirror import asked, talks_of
from bot.telemetry import Event, log

ATTEMPTS = 10
REMEDY = "mend what the reason names, or restore a backup; until then its feeds are read anew"


class Refusals:
    """Since when which ledgers are refused, over all tries of one way home."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._since: dict[str, float] = {}

    def note(self, refused: Collection[str]) -> None:
        """These are refused now, and no others."""
        now = time.monotonic()
        self._since = {name: self._since.get(name, now) for name in refused}

    @property
    def are_old(self) -> bool:
        """True when each of them has been refused for so long that no further try helps."""
        return all(time.monotonic() - since >= self._patience_s for since in self._since.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The providers whose ledgers are refused."""
        return tuple(sorted(self._since))


async def carry(own: Functions, store: Functions, now: datetime, refusals: Refusals) -> int:
    """Write into `store` what `own` has beyond it; gives how many incidents and conversations that were. Raises StoreError.

    A ledger that is refused holds up no other; what was refused for long is left, with a word.
    """
    await _carry_small(own.client, store.client)
    carried, refused = 0, dict[str, StoreError]()
    providers = await RedisIncidents(own).providers()
    for provider in providers:
        try:
            carried += await _carry_provider(provider, own, store, now)
        except StoreUnavailable:
            raise
        except StoreError as exc:
            refused[provider] = exc
    refusals.note(refused)
    is_all = len(refused) == len(providers)  # then something else is wrong with the store
    if refused and (is_all or not refusals.are_old):
        raise StoreError("; ".join(f"{provider}: {exc}" for provider, exc in refused.items()))
    await _leave(refused, store.client, now)
    async with translated():
        await store.client.set(keys.CARRIED, 1, ex=keys.CARRIED_TTL)
    return carried


async def _carry_provider(provider: str, own: Functions, store: Functions, now: datetime) -> int:
    theirs = RedisIncidents(store)
    ledger = await RedisIncidents(own).read(provider)
    carried = await _carry_ledger(ledger, theirs, now)
    stored = await theirs.read(provider)
    for incident in ledger.incidents.values():
        if incident.id in stored.incidents:
            carried += await _carry_talks(incident, own, store, now)
    return carried


async def _leave(refused: Mapping[str, StoreError], store: aioredis.Redis, now: datetime) -> None:
    """Say by name what is not brought home, in the log and in the audit."""
    for provider, exc in refused.items():
        log().error(Event.STANDBY_LEFT, provider=provider, reason=str(exc), remedy=REMEDY)
        await RedisAudit(Functions(store)).append(
            {
                "at": now.isoformat(timespec="milliseconds"),
                "actor": "fogbell",
                "front": "standby",
                "command": f"bring home what was done for {provider}",
                "outcome": f"given up: {exc}",
            }
        )


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


async def _carry_ledger(ledger: Ledger, theirs: RedisIncidents, now: datetime) -> int:
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
