"""The small things that must outlive a restart: silences, what ran once, pages that people added, and, as
shelves of `bot.wiring`, marks of feeds, states of checks, reports on sources.

Each is a hash of JSON values, written whole; none needs a script.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, cast
from uuid import uuid4

import redis.asyncio as aioredis

from bot.domain.silences import Silence
from bot.ports import Monitor
from bot.store import keys
from bot.store.codec import Aside, Codec
from bot.store.redis import translated

T = TypeVar("T")


class Shelf(Generic[T]):
    """A hash of values of one type, by name. What a newer Fogbell adds to a value goes on with it, unless it is a new value."""

    def __init__(self, client: aioredis.Redis, key: str, kind: type[T]) -> None:
        self._client = client
        self._key = key
        self._codec = Codec(kind)
        self._asides: dict[str, Aside] = {}

    async def get(self, name: str) -> T | None:
        """The value of that name, or None."""
        async with translated():
            text = await cast(Awaitable[Any], self._client.hget(self._key, name))
        return None if text is None else self._read(name, text)

    async def put(self, name: str, value: T, *, is_new: bool = False) -> None:
        """Keep the value in place of an older one, which it continues unless it `is_new`."""
        async with translated():
            text = self._codec.write(value, () if is_new else self._asides.get(name, ()))
            await cast(Awaitable[Any], self._client.hset(self._key, name, cast(Any, text)))

    async def put_all(self, values: Mapping[str, T]) -> None:
        """Keep all these values in one call."""
        if values:
            texts = {
                name: self._codec.write(value, self._asides.get(name, ())) for name, value in values.items()
            }
            async with translated():
                await cast(Awaitable[Any], self._client.hset(self._key, mapping=cast(Any, texts)))

    async def all(self) -> dict[str, T]:
        """Every value by name."""
        async with translated():
            fields = await cast(Awaitable[Any], self._client.hgetall(self._key))
        return {name: self._read(name, text) for raw, text in fields.items() if (name := raw.decode())}

    def _read(self, name: str, text: bytes) -> T:
        value, aside = self._codec.read(text)
        self._asides.pop(name, None)
        if aside:
            self._asides[name] = aside
        return value

    async def drop(self, *names: str) -> int:
        """Forget the values of these names; gives how many there were."""
        if not names:
            return 0
        async with translated():
            return int(await cast(Awaitable[Any], self._client.hdel(self._key, *names)))


class RedisSilences:
    """ports.Silences. `wake` makes held conversations look again when silences change."""

    def __init__(self, client: aioredis.Redis, wake: Callable[[], Awaitable[None]]) -> None:
        self._client = client
        self._shelf: Shelf[Silence] = Shelf(client, keys.SILENCES, Silence)
        self._wake = wake

    async def add(self, silence: Silence) -> None:
        """Keep it in place of one with the same id."""
        await self._shelf.put(silence.id, silence, is_new=True)
        await self._tell()
        await self._wake()

    async def _tell(self) -> None:
        """Whoever claims from now on learns that it knows them no longer."""
        async with translated(), self._client.pipeline(transaction=False) as pipe:
            state = uuid4().hex[:8]
            for n in range(keys.SHARDS):
                pipe.set(keys.silences_state(n), state)
            await pipe.execute()

    async def active(self, now: datetime) -> tuple[Silence, ...]:
        """Those that have not ended, the one that ends first in front."""
        held = await self._shelf.all()
        await self._shelf.drop(*(name for name, s in held.items() if s.until <= now))
        return tuple(sorted((s for s in held.values() if s.until > now), key=lambda s: s.until))


class RedisMonitors:
    """ports.Monitors."""

    def __init__(self, client: aioredis.Redis) -> None:
        self._shelf: Shelf[Monitor] = Shelf(client, keys.MONITORS, Monitor)

    async def add(self, monitor: Monitor) -> None:
        """Keep it in place of one with the same name."""
        await self._shelf.put(monitor.name, monitor, is_new=True)

    async def remove(self, name: str) -> bool:
        """Forget it; False when there was none of that name."""
        return await self._shelf.drop(name) > 0

    async def all(self) -> tuple[Monitor, ...]:
        """All of them, by name."""
        return tuple(monitor for _, monitor in sorted((await self._shelf.all()).items()))


class RedisOnce:
    """ports.Once."""

    def __init__(self, client: aioredis.Redis) -> None:
        self._client = client

    async def first(self, key: str, ttl: timedelta) -> bool:
        """True for the first who asks."""
        async with translated():
            return bool(await self._client.set(keys.once(key), b"1", nx=True, ex=ttl))
