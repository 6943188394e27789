"""What a worker must know of a store that others run: who answers, how many copies there are, what time it is there.

Looked at when the store is opened, and every few seconds. What follows from it happens elsewhere: `functions` waits for
replicas and reckons with the server's clock, `outbox` marks what a change of master may have harmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from bot.errors import StoreError
from bot.ports import Clock
from bot.store import keys
from bot.store.connecting import Client, home_of, translated
from bot.store.functions import Functions

LOOK_SECONDS = (
    1.0  # a master that hangs keeps its connections: they are cut this soon after another one was named
)
ANSWER_SECONDS = 1.0  # it may hang: then it is time to hear what the sentinels say
CLOCK_TRIP_MAX = timedelta(milliseconds=500)  # a slower answer says nothing about the time


class StoreWatch:
    """Watches over the store for one worker. With `replicas` so many must have a write; None: one, where there are any.

    `clock` is None where time is not real: then the server's says nothing. `on_change` hears of it when another server answers,
    or the same one began anew.
    """

    def __init__(
        self,
        functions: Functions,
        clock: Clock | None,
        *,
        replicas: int | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._functions = functions
        self._clock = clock
        self._replicas = replicas
        self._on_change = on_change
        self._life = functions.life
        self._written: frozenset[str] | None = None

    async def start(self) -> None:
        """Look for the first time in this life, and compare with whom earlier ones met. Raises StoreError."""
        await self.look()
        await self._remember()

    async def run(self) -> None:
        """Look until cancelled. A store that is away is for others to say."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(StoreError):
                await self.look()
                await self._remember()

    async def look(self) -> None:
        """Look once, and leave no trace. Raises StoreError."""
        client = cast(Client, self._functions.client)
        async with translated():
            await client.follow()
            asked_at = self._now()
            async with asyncio.timeout(ANSWER_SECONDS):
                told = await client.of_primaries("server", "replication")
            home_of(client).meet(frozenset(str(one.get("run_id", "")) for one in told))
        self._agree(asked_at, told[0])
        self._functions.replicas = _to_wait_for(told) if self._replicas is None else self._replicas
        if self._functions.life is not self._life:
            self._life = self._functions.life
            self._on_change()

    async def _remember(self) -> None:
        """Keep in the store who answers: a worker that was away during a change learns of it when it starts."""
        async with translated():
            home = home_of(self._functions.client)
            if home.met == self._written:
                return
            text = " ".join(sorted(home.met))
            before = cast(bytes | None, await self._functions.client.set(keys.HOME, text, get=True))
        if self._written is None and before is not None and before.decode() != text:
            home.leave()
        self._written = home.met

    def _agree(self, asked_at: datetime | None, told: Mapping[str, Any]) -> None:
        answered_at = self._now()
        theirs = told.get("server_time_usec")
        if asked_at is None or answered_at is None or theirs is None:
            return
        if timedelta() <= answered_at - asked_at <= CLOCK_TRIP_MAX:
            at = datetime.fromtimestamp(int(theirs) / 1e6, UTC)
            self._functions.agree(at, asked_at + (answered_at - asked_at) / 2)

    def _now(self) -> datetime | None:
        return self._clock.now() if self._clock else None


def _to_wait_for(told: Sequence[Mapping[str, Any]]) -> int:
    """One replica, where every primary has one."""
    return min(1, *(int(one.get("connected_slaves", 0)) for one in told))
