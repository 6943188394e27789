"""One client for the whole worker, behind which the server can be exchanged while everything runs.

The parts of the worker know nothing of it: they hold a client and call it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import redis.asyncio as aioredis
from redis.asyncio.client import Pipeline
from redis.asyncio.cluster import ClusterPipeline
from redis.exceptions import ConnectionError as RedisConnectionError


class Switch:
    """Calls whichever client it was turned to. Calls that wait for the one before fail at once when it is turned."""

    def __init__(self, client: aioredis.Redis) -> None:
        self._target: aioredis.Redis | None = client
        self._waiting: set[asyncio.Timeout] = set()

    @property
    def client(self) -> aioredis.Redis:
        """What to hand to the parts."""
        return cast(aioredis.Redis, self)

    def turn(self, client: aioredis.Redis | None) -> None:
        """Call this one from now on, or nobody: then every call fails without being sent."""
        self._target = client
        now = asyncio.get_running_loop().time()
        for call in self._waiting:
            call.reschedule(now)

    def __getattr__(self, name: str) -> Any:
        if self._target is None:
            raise RedisConnectionError("given up for now; it is asked once a second whether it is back")
        found = getattr(self._target, name)
        return self._watched(found) if callable(found) else found

    def _watched(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **options: Any) -> Any:
            answer = call(*args, **options)
            if isinstance(answer, (Pipeline, ClusterPipeline)):
                cast(Any, answer).execute = self._watched(answer.execute)
                return answer
            return self._until_turned(answer) if asyncio.iscoroutine(answer) else answer

        return watched

    async def _until_turned(self, answer: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(None) as call:
                self._waiting.add(call)
                try:
                    return await answer
                finally:
                    self._waiting.discard(call)
        except TimeoutError as exc:
            if not call.expired():
                raise
            raise RedisConnectionError("given up while it was asked") from exc
