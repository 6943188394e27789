"""Our scripts on the server: loaded as Functions, which survive its restart, and called one by one or many at once.

Here also lives what all callers share: how many replicas a write waits for, and how far the server's clock is from ours.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import blake2b
from importlib import resources
from typing import Any, TypeVar

import redis.asyncio as aioredis
from redis.exceptions import ConnectionError as RedisConnectionError

from bot import telemetry
from bot.errors import StoreError, StoreUnavailable
from bot.store import keys
from bot.store.connecting import home_of, node_of, send_apart, translated
from bot.telemetry import Event, log

T = TypeVar("T")
Call = tuple[str, Sequence[str], Sequence[Any]]
"""A script's name, its keys, its arguments."""

WAIT_MS = 100  # how long a write may wait for replicas: one that is late costs so much, and no more
SAY_SECONDS = 60.0
CLOCKS_AGREE = timedelta(milliseconds=50)  # a smaller difference is as likely the network's
_SCRIPTS = (
    "clock",
    "commit",
    "claim",
    "claim_one",
    "reclaim",
    "begin",
    "settle",
    "note",
    "carry",
    "bucket",
    "lease",
)  # `clock` first
REFUSALS_MAX, REFUSED_SECONDS = 20, 0.25
_SOON = ("NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN")
_NEVER_LOADED = ("Function not found", "unknown command")


@cache
def library() -> tuple[str, str]:
    """The version of our scripts, and their text with it in all names: made from the text, so that an older worker, and a newer
    one beside it, each call their own. Names of Functions are global on a server."""
    folder = resources.files("bot.store") / "lua"
    text = "\n".join((folder / f"{name}.lua").read_text() for name in _SCRIPTS)
    version = blake2b(text.encode(), digest_size=4).hexdigest()
    named = re.sub(r"register_function\('(\w+)'", rf"register_function('\1_{version}'", text)
    return version, f"#!lua name=fogbell_{version}\n{named}"


class Functions:
    """Calls our scripts, and loads them when the server does not know them yet.

    `replicas` is how many of them a durable write waits for. `offset` is the server's clock minus ours, kept by whoever watches
    the store; zero where time is not real.
    """

    def __init__(self, client: aioredis.Redis) -> None:
        self.client = client
        self.replicas = 0
        self.offset = timedelta()
        self._loading = asyncio.Lock()
        self._said_at = -SAY_SECONDS

    async def load(self) -> None:
        """Put the library on the server, or each primary, beside those of other versions that may be at work there."""
        async with translated():
            await self.client.function_load(library()[1], replace=True)

    async def call(self, name: str, keys_: Sequence[str], *args: Any) -> Any:
        """What the script gives."""
        return (await self.call_all([(name, keys_, args)]))[0]

    async def call_durably(self, name: str, keys_: Sequence[str], *args: Any) -> Any:
        """What the script gives, after `replicas` have what it wrote, or after WAIT_MS: then it is counted and said."""
        if not self.replicas:
            return await self.call(name, keys_, *args)
        node = node_of(self.client, keys_[0])

        async def send() -> list[Any]:
            async with self.client.pipeline(transaction=False) as pipe:
                pipe.fcall(_versioned(name), len(keys_), *keys_, *args)
                pipe.execute_command("WAIT", self.replicas, WAIT_MS, **node)  # of this connection's writes
                return list(await pipe.execute())

        answer, reached = await self._loaded(send)
        if int(reached) < self.replicas:
            self._note_unreplicated(int(reached))
        return answer

    async def call_all_durably(self, calls: Sequence[Call]) -> list[Any]:
        """What each of the calls gives, sent in one go, or beside one another where each has to wait for replicas."""
        if not self.replicas:
            return await self.call_all(calls)
        try:
            async with asyncio.TaskGroup() as tasks:
                sent = [tasks.create_task(self.call_durably(name, its, *args)) for name, its, args in calls]
        except* StoreError as group:
            failed = group.exceptions[0]
        else:
            return [task.result() for task in sent]
        raise failed  # what goes wrong in one call is said as it is: callers catch a StoreError

    async def call_all(self, calls: Sequence[Call]) -> list[Any]:
        """What each of the calls gives, sent in one go. Raises StoreError when one of them fails."""
        return await self._loaded(lambda: self._send(calls))

    async def call_each(self, calls: Sequence[Call]) -> list[Any]:
        """What those calls give that could be carried out: with a primary of a cluster away, its shards are left out.

        Raises StoreError when none could.
        """
        return await self._loaded(lambda: send_apart(self.client, [_words(call) for call in calls]))

    def ms(self, at: datetime) -> int:
        """A time of our clock as milliseconds of the server's, for what several workers compare."""
        return int((at + self.offset).timestamp() * 1000)

    def at(self, ms: float) -> datetime:
        """The time of our clock that `ms` meant."""
        return datetime.fromtimestamp(ms / 1000, UTC) - self.offset

    def agree(self, theirs: datetime, ours: datetime) -> None:
        """Note what both clocks said at one moment. Small differences are ours to live with: a due time must not waver."""
        if abs((theirs - ours) - self.offset) > CLOCKS_AGREE:
            self.offset = theirs - ours

    @property
    def life(self) -> object:
        """Which server answers: another object as soon as another one does, or it began anew. Raises StoreUnavailable."""
        try:
            return home_of(self.client).life
        except RedisConnectionError as exc:  # of the stand-in that has nobody to ask now
            raise StoreUnavailable(f"the store does not answer: {exc}") from exc

    async def _loaded(self, send: Callable[[], Awaitable[list[T]]]) -> list[T]:
        try:
            return await self._patiently(send)
        except StoreError as exc:
            if not any(words in str(exc) for words in _NEVER_LOADED):
                raise
        async with self._loading:
            await self.load()
            await self._note_loss()
        return await self._patiently(send)

    async def _patiently(self, send: Callable[[], Awaitable[list[T]]]) -> list[T]:
        """Again for a few seconds where the server refuses for the moment and did nothing: a new master has no replicas yet,
        and a conversation that cannot be begun is nobody's until its lease ends."""
        for _ in range(REFUSALS_MAX):
            try:
                async with translated():
                    return await send()
            except StoreUnavailable as exc:
                if not any(words in str(exc) for words in _SOON):
                    raise
            await asyncio.sleep(REFUSED_SECONDS)
        async with translated():
            return await send()

    async def _note_loss(self) -> None:
        """Say it once when a server came back without what it held: what is open will be announced a second time."""
        async with translated():
            if await self.client.set(keys.SCHEMA_KEY, keys.SCHEMA, nx=True):
                log().error(Event.STORE_EMPTY, remedy="let the store keep its data on disk")

    async def _send(self, calls: Sequence[Call]) -> list[Any]:
        if len(calls) == 1:
            return [await self.client.fcall(*_words(calls[0]))]
        async with self.client.pipeline(transaction=False) as pipe:
            for call in calls:
                pipe.fcall(*_words(call))
            return list(await pipe.execute())

    def _note_unreplicated(self, reached: int) -> None:
        telemetry.UNREPLICATED.inc()
        if time.monotonic() - self._said_at >= SAY_SECONDS:
            self._said_at = time.monotonic()
            log().warning(Event.STORE_UNREPLICATED, wanted=self.replicas, reached=reached)


def _versioned(name: str) -> str:
    return f"{name}_{library()[0]}"


def _words(call: Call) -> tuple[Any, ...]:
    name, keys_, args = call
    return (_versioned(name), len(keys_), *keys_, *args)
