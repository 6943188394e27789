"""What workers share beside the ledgers and the outbox: pace, leases, and the log of what was done."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from bot.errors import LeaseLost
from bot.store import keys
from bot.store.redis import Functions, millis, translated
from bot.tasks import end

TRIM_SECONDS = 3_600.0
GATEWAY_LEASE = timedelta(seconds=30)  # of what one replica holds for long; renewed three times as often


class RedisLimiter:
    """ports.Limiter."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    async def take(self, bucket: str, per_second: float, burst: int) -> timedelta:
        """Take one token, or say how long to wait."""
        wait = await self._functions.call("fogbell_take", [keys.bucket(bucket)], per_second, burst)
        return timedelta(milliseconds=int(wait))

    async def left(self, bucket: str, per_second: float, burst: int) -> tuple[int, timedelta]:
        """How many tokens there are, and how long until there is one more. Takes none."""
        whole, wait = await self._functions.call("fogbell_left", [keys.bucket(bucket)], per_second, burst)
        return int(whole), timedelta(milliseconds=int(wait))

    async def rest(self, bucket: str, span: timedelta) -> None:
        """No tokens for so long."""
        await self._functions.call("fogbell_rest", [keys.bucket(bucket)], millis(span))


class RedisLeases:
    """ports.Leases, for one worker: `owner` stays the same over restarts, so that they need not wait for old leases."""

    def __init__(self, functions: Functions, owner: str) -> None:
        self._functions = functions
        self._owner = owner
        self._held: set[str] = set()

    async def hold(self, name: str, lease: timedelta) -> bool:
        """True when the lease is ours."""
        ours = await self._functions.call("fogbell_hold", [keys.lease(name)], self._owner, millis(lease))
        (self._held.add if ours else self._held.discard)(name)
        return bool(ours)

    async def while_held(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` while the lease is ours, waiting for it first. Raises LeaseLost when somebody else has taken it."""
        while not await self.hold(name, GATEWAY_LEASE):
            await asyncio.sleep(GATEWAY_LEASE.total_seconds() / 3)
        async with asyncio.TaskGroup() as tasks:
            renewing = tasks.create_task(self._renewing(name))
            try:
                await work()
            finally:
                await end([renewing])

    async def _renewing(self, name: str) -> None:
        while await self.hold(name, GATEWAY_LEASE):
            await asyncio.sleep(GATEWAY_LEASE.total_seconds() / 3)
        raise LeaseLost(f"{name}: another worker has it")

    async def release_all(self) -> None:
        """Let go of everything held."""
        for name in sorted(self._held):
            await self._functions.call("fogbell_release", [keys.lease(name)], self._owner)
        self._held.clear()


class RedisAudit:
    """ports.Audit: a stream, trimmed by length with each line and by age with `trim`."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._client = functions.client

    async def append(self, *lines: Mapping[str, str]) -> None:
        """Add lines."""
        packed = json.dumps([[word for field in line.items() for word in field] for line in lines])
        await self._functions.call("fogbell_note", [keys.AUDIT], keys.AUDIT_MAX_LINES, packed)

    async def trim(self, keep: timedelta) -> int:
        """Forget lines older than that; gives how many. Ages are by the server's clock, which stamped them, or nearly so."""
        oldest_ms = int((time.time() - keep.total_seconds()) * 1000)
        async with translated():
            return int(await self._client.xtrim(keys.AUDIT, minid=str(max(oldest_ms, 0)), approximate=False))

    async def trim_hourly(self, keep: Callable[[], timedelta]) -> None:
        """`trim` now and then, until cancelled. `keep` is asked each time."""
        while True:
            await self.trim(keep())
            await asyncio.sleep(TRIM_SECONDS)

    async def tail(self, limit: int) -> tuple[Mapping[str, str], ...]:
        """The newest lines, newest first."""
        async with translated():
            rows: Any = await self._client.xrevrange(keys.AUDIT, count=limit)
        return tuple({k.decode(): v.decode() for k, v in fields.items()} for _, fields in rows)
