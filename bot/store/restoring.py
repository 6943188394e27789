"""Putting a backup into a store: all or nothing for whoever looks at it afterwards.

While it is under way a mark keeps workers from starting. Nobody holds anything afterwards: what was leased is due, no
conversation knows a token, and each chat is asked before anything is said in it again. Counters never shrink.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import redis.asyncio as aioredis

from bot.errors import ConfigError, NotEmpty, StoreError
from bot.store import keys
from bot.store.backup import EVERYTHING, PASSING, PIECE, Contents, Entry, Progress, names_of, raw_of
from bot.store.codec import newer_words
from bot.store.redis import translated

_CONVERSATION = re.compile(r"fogbell:\{s\d\d\}:conversation:")
_DUE = re.compile(r"(fogbell:\{s\d\d\}:)(due|leased)$")
_COUNTERS = frozenset({keys.NUMBER, *(keys.fence(n) for n in range(keys.SHARDS))})
_OF_A_HOLDER = (
    "token",
    "owner",
    "settled",
    "again",
)  # fields of a conversation that speak of who worked on it

_WRITE: dict[str, Callable[[Any, str, Any], Any]] = {
    "string": lambda pipe, key, value: pipe.set(key, raw_of(value)),
    "hash": lambda pipe, key, value: pipe.hset(key, mapping={raw_of(k): raw_of(v) for k, v in value.items()}),
    "zset": lambda pipe, key, value: pipe.zadd(key, {raw_of(member): score for member, score in value}),
    "set": lambda pipe, key, value: pipe.sadd(key, *map(raw_of, value)),
    "list": lambda pipe, key, value: pipe.rpush(key, *map(raw_of, value)),
    "stream": lambda pipe, key, value: [
        pipe.xadd(key, {raw_of(k): raw_of(v) for k, v in line.items()}, id=id_) for id_, line in value
    ],
}


async def check(client: aioredis.Redis, contents: Contents, *, is_forced: bool) -> None:
    """Raises ConfigError for a backup of a newer schema, StoreError beside a running worker, NotEmpty unless `is_forced`."""
    if contents.schema > keys.SCHEMA:
        raise ConfigError([newer_words(contents.schema, keys.SCHEMA)])
    async with translated():
        # Who is leader says so for a while after its end; who looks at sources does not.
        if [name for name in await names_of(client, "fogbell:lease:*") if name != keys.lease("leader")]:
            raise StoreError(
                "a worker uses this store: stop it first (after a crash, wait half a minute for its leases to end)"
            )
        written = int(await client.get(keys.SCHEMA_KEY) or 0)
        there = await names_of(client, EVERYTHING)
        names = [name for name in there if not PASSING.match(name) and name not in _COUNTERS]
    if names and not is_forced:
        raise NotEmpty(f"the store is not empty ({len(names)} keys): --force replaces what is in it")
    if written > keys.SCHEMA:
        raise ConfigError([newer_words(written, keys.SCHEMA)])


async def restore(
    client: aioredis.Redis, entries: Iterable[Entry], *, now: datetime, progress: Progress
) -> int:
    """Replace what is in the store by a backup, which was `check`ed; gives the number of keys. Raises StoreError.

    Broken off halfway, it leaves a store that no worker starts on until a restore has succeeded.
    """
    async with translated():
        await client.set(keys.RESTORING, now.isoformat())
        counted = await _clear(client, progress)
        done = 0
        for piece in _pieces(entries):
            await _write(client, [_grown(entry, counted) for entry in piece], now)
            done += len(piece)
            progress(f"{done} keys")
        await client.set(keys.SCHEMA_KEY, keys.SCHEMA)
        await client.delete(keys.RESTORING)
    return done


def _grown(entry: Entry, counted: dict[str, int]) -> Entry:
    """A counter as it is further on, here or in the backup: numbers are never given twice. All else as it is."""
    if entry.key not in counted:
        return entry
    return replace(entry, value=str(max(int(entry.value), counted[entry.key])))


async def _clear(client: aioredis.Redis, progress: Progress) -> dict[str, int]:
    """Empty the store but for its counters; gives those: the last incident number, and the last token of each shard."""
    counted = {name: int(await client.get(name) or 0) for name in sorted(_COUNTERS)}
    kept = {keys.RESTORING, *_COUNTERS}
    names = [name for name in await names_of(client, EVERYTHING) if name not in kept]
    for start in range(0, len(names), PIECE):
        progress(f"{start} of {len(names)} old keys removed")
        async with client.pipeline(transaction=False) as pipe:
            for name in names[start : start + PIECE]:
                pipe.delete(name)
            await pipe.execute()
    return counted


def _pieces(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    piece: list[Entry] = []
    for entry in entries:
        piece.append(entry)
        if len(piece) == PIECE:
            yield piece
            piece = []
    yield piece


async def _write(client: aioredis.Redis, piece: list[Entry], now: datetime) -> None:
    async with client.pipeline(transaction=False) as pipe:
        for entry in piece:
            if due := _DUE.match(entry.key):
                _make_due(pipe, due[1], entry, int(now.timestamp() * 1000))
                continue
            value = _released(entry.value) if _CONVERSATION.match(entry.key) else entry.value
            _WRITE[entry.type](pipe, entry.key, value)
            if entry.ttl_ms:
                pipe.pexpire(entry.key, entry.ttl_ms)
        await pipe.execute()


def _released(talk: dict[str, str]) -> dict[str, str]:
    """A conversation that nobody holds, and that may have gone on after the backup: its chat is to be asked first."""
    return {**{k: v for k, v in talk.items() if k not in _OF_A_HOLDER}, "recheck": "1"}


def _make_due(pipe: Any, tag: str, entry: Entry, now_ms: int) -> None:
    """What was due stays so; what somebody held is due now, and what the backup does not know yet is asked for as well."""
    is_due = entry.key.endswith(":due")
    for member, score in entry.value:
        pipe.zadd(f"{tag}due", {raw_of(member): score if is_due else now_ms}, lt=True)
        pipe.hset(f"{tag}conversation:{member}", "recheck", "1")
