"""Which version the store speaks: marked when it is opened, watched while a worker runs.

The mark only grows. An older worker stops when it sees a mark that it does not know: it could not read what is written next.
"""

from __future__ import annotations

import asyncio
from typing import Any

import redis.asyncio as aioredis

from bot.errors import ConfigError, StoreError
from bot.store import keys
from bot.store.codec import newer_words
from bot.store.redis import translated

LOOK_SECONDS = 5.0

# KEYS 1 the mark; ARGV 1 our schema. Gives the schema that the store speaks from now on.
_MARK = """
local written = tonumber(redis.call('GET', KEYS[1]) or '0')
if written >= tonumber(ARGV[1]) then return written end
redis.call('SET', KEYS[1], ARGV[1])
return tonumber(ARGV[1])
"""


async def take_up(client: aioredis.Redis, known: int = keys.SCHEMA) -> None:
    """Mark the store as ours. Raises ConfigError when a newer Fogbell wrote it, or a restore was broken off."""
    async with translated():
        if await client.get(keys.RESTORING):
            raise ConfigError(
                ["store: a restore is under way, or was broken off: run `fogbell restore --force` again"]
            )
        answer: Any = client.eval(_MARK, 1, keys.SCHEMA_KEY, str(known))
        written = int(await answer)
    if written > known:
        raise ConfigError([newer_words(written, known)])


async def until_newer(
    client: aioredis.Redis, known: int = keys.SCHEMA, *, every: float = LOOK_SECONDS
) -> ConfigError:
    """Look now and then; gives the reason to stop, once a newer Fogbell has marked the store."""
    while True:
        await asyncio.sleep(every)
        try:
            async with translated():
                mark = await client.get(keys.SCHEMA_KEY)
        except StoreError:
            continue  # all other loops say so already
        if mark is not None and int(mark) > known:
            return ConfigError([newer_words(int(mark), known)])
