"""The console chat: a `ports.Chat` whose platform is our own Redis, so that the page survives a restart.

`wiring` hands it to the outbox as any other chat, and to `bot.web` as the place to read from. Every write is one Lua call, so
that a message and the revision that announces it appear together.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from bot.chats.console.render import decode, encode
from bot.domain.card import Card
from bot.domain.conversation import Limits, Receipt
from bot.errors import Refused, Unavailable, Uncertain
from bot.ports import Clock

# The keys, below a prefix whose braces keep them in one slot of a Redis Cluster. <c> is the quoted channel, <h> a headline.
#
#   revisions    hash  channel -> number of its newest change    no TTL: one small field for each channel
#   headlines:<c> zset headline -> revision when it was posted   TTL; at most HEADLINES_MAX members
#   changes:<c>   zset headline -> revision when its thread changed last  TTL; the same members
#   thread:<c>:<h> hash "<key>|<fact>" -> fact of one message: card, at, order, edits, edited_at   TTL; goes with its headline
HEADLINES_MAX = 500
TTL_S = (
    90 * 24 * 3600
)  # renewed by every write: a chat keeps its history, but not of a channel long abandoned
TIMEOUT = timedelta(seconds=5)

# KEYS thread, headlines, changes, revisions. ARGV channel, headline, key, card, at, TTL, most headlines, prefix of thread keys.
# Gives when the message was posted, or "" when its headline is gone. A key posted before changes nothing: one message per key.
POST = """
local at = redis.call('HGET', KEYS[1], ARGV[3] .. '|at')
if at then return at end
if ARGV[2] ~= ARGV[3] and redis.call('HEXISTS', KEYS[1], ARGV[2] .. '|at') == 0 then return '' end
local revision = redis.call('HINCRBY', KEYS[4], ARGV[1], 1)
redis.call('HSET', KEYS[1], ARGV[3] .. '|card', ARGV[4], ARGV[3] .. '|at', ARGV[5], ARGV[3] .. '|order', revision)
redis.call('ZADD', KEYS[2], 'NX', revision, ARGV[2])
redis.call('ZADD', KEYS[3], revision, ARGV[2])
for _, old in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1 - tonumber(ARGV[7]))) do
  redis.call('ZREM', KEYS[2], old)
  redis.call('ZREM', KEYS[3], old)
  redis.call('DEL', ARGV[8] .. old)
end
for n = 1, 3 do redis.call('EXPIRE', KEYS[n], ARGV[6]) end
return ARGV[5]
"""

# KEYS and ARGV as above. Gives 0 when the message is gone. The same card again is no edit.
EDIT = """
local was = redis.call('HGET', KEYS[1], ARGV[3] .. '|card')
if not was then return 0 end
if was == ARGV[4] then return 1 end
local revision = redis.call('HINCRBY', KEYS[4], ARGV[1], 1)
redis.call('HSET', KEYS[1], ARGV[3] .. '|card', ARGV[4], ARGV[3] .. '|edited_at', ARGV[5])
redis.call('HINCRBY', KEYS[1], ARGV[3] .. '|edits', 1)
redis.call('ZADD', KEYS[3], revision, ARGV[2])
for n = 1, 3 do redis.call('EXPIRE', KEYS[n], ARGV[6]) end
return 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A message as the console holds it. `replies` are those of its thread, oldest first."""

    id: str
    card: Card
    posted_at: datetime
    edited_at: datetime | None = None
    edits: int = 0
    replies: tuple[Posted, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A channel as of `revision`: headlines, newest first, each with its whole thread.

    `is_whole` is False when it holds only the threads that changed since the revision asked for.
    """

    channel: str
    revision: int
    is_whole: bool
    headlines: tuple[Posted, ...]


class ConsoleChat:
    """The chat of the built-in page. `channels` are listed even while empty. The Redis client stays its giver's to close."""

    name = "console"
    limits = Limits(threads=True, edits=True, find=True)

    def __init__(
        self,
        redis: Redis,
        *,
        clock: Clock,
        keys_prefix: str = "fogbell:{console}:",
        channels: Iterable[str] = (),
        headlines_max: int = HEADLINES_MAX,
        timeout: timedelta = TIMEOUT,
    ) -> None:
        self._redis = redis
        self._clock = clock
        self._prefix = keys_prefix
        self._configured = tuple(channels)
        self._headlines_max = headlines_max
        self._timeout = timeout

    async def post(self, channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
        """Keep a message; the same `key` again gives the first receipt. Raises Refused(gone) when the thread is no more."""
        headline = _headline(thread) if thread else key
        at = await self._write(POST, channel, headline, key, card)
        if not at:
            raise Refused(self.name, channel, f"the thread {headline} is gone", gone=True)
        return _receipt(channel, headline, key, _text(at))

    async def edit(self, receipt: Receipt, card: Card, *, thread: Receipt | None = None) -> None:
        """Change a message; the same card again changes nothing. Raises Refused(gone) when it is no longer there."""
        headline, key = _headline(receipt), receipt.message.rpartition("/")[2]
        if not await self._write(EDIT, receipt.channel, headline, key, card):
            raise Refused(self.name, receipt.channel, f"the message {receipt.message} is gone", gone=True)

    async def find(
        self, channel: str, *, key: str, since: datetime, thread: Receipt | None = None
    ) -> Receipt | None:
        """The message posted with `key` since then, or None when there is none."""
        headline = _headline(thread) if thread else key
        async with self._asking(channel):
            at = await self._redis.hget(self._thread(channel, headline), f"{key}|at")
        if not at or datetime.fromisoformat(_text(at)) < since:
            return None
        return _receipt(channel, headline, key, _text(at))

    async def ping(self) -> None:
        """Return when the store answers."""
        async with self._asking(""):
            await self._redis.ping()

    async def close(self) -> None:
        """Nothing to let go of: the Redis client belongs to whoever made it."""

    async def revisions(self) -> dict[str, int]:
        """The newest revision of every channel, 0 for those still empty; configured ones first."""
        async with self._asking(""):
            known = await self._redis.hgetall(f"{self._prefix}revisions")
        found = {_text(channel): int(revision) for channel, revision in known.items()}
        return dict.fromkeys(self._configured, 0) | dict(sorted(found.items()))

    async def snapshot(self, channel: str, *, since: int = 0, limit: int = 50) -> Snapshot:
        """The newest `limit` headlines, or the threads that changed since a revision this channel has had."""
        async with self._asking(channel):
            # The revision is read first: what is written meanwhile is then shown twice rather than never.
            revision = int(await self._redis.hget(f"{self._prefix}revisions", channel) or 0)
            is_whole = not 0 < since <= revision
            ids = await (self._newest(channel, limit) if is_whole else self._changed(channel, since))
            threads = await self._threads(channel, ids)
        found = (_posted(headline, facts) for headline, facts in zip(ids, threads, strict=True))
        headlines = tuple(posted for posted in found if posted is not None)
        return Snapshot(channel=channel, revision=revision, is_whole=is_whole, headlines=headlines)

    async def _newest(self, channel: str, limit: int) -> list[str]:
        found = await self._redis.zrange(self._key("headlines", channel), 0, limit - 1, desc=True)
        return [_text(id_) for id_ in found]

    async def _changed(self, channel: str, since: int) -> list[str]:
        changed = await self._redis.zrangebyscore(self._key("changes", channel), f"({since}", "+inf")
        if not changed:
            return []
        orders = await self._redis.zmscore(self._key("headlines", channel), [_text(id_) for id_ in changed])
        newest_first = sorted(zip(orders, changed, strict=True), key=lambda pair: -(pair[0] or 0))
        return [_text(id_) for _, id_ in newest_first]

    async def _threads(self, channel: str, ids: list[str]) -> list[dict[str, str]]:
        if not ids:
            return []
        pipeline = self._redis.pipeline(transaction=False)
        for id_ in ids:
            pipeline.hgetall(self._thread(channel, id_))
        found: list[Mapping[Any, Any]] = await pipeline.execute()
        return [{_text(name): _text(value) for name, value in facts.items()} for facts in found]

    async def _write(self, script: str, channel: str, headline: str, key: str, card: Card) -> Any:
        keys = [
            self._thread(channel, headline),
            self._key("headlines", channel),
            self._key("changes", channel),
            f"{self._prefix}revisions",
        ]
        at = self._clock.now().isoformat()
        words = [channel, headline, key, encode(card), at, str(TTL_S), str(self._headlines_max)]
        lost = Uncertain if script is POST else Unavailable
        async with self._asking(channel, lost=lost):
            return await self._redis.eval(script, len(keys), *keys, *words, self._thread(channel, ""))

    def _key(self, what: str, channel: str) -> str:
        return f"{self._prefix}{what}:{quote(channel, safe='')}"

    def _thread(self, channel: str, headline: str) -> str:
        return f"{self._key('thread', channel)}:{headline}"

    @asynccontextmanager
    async def _asking(
        self, channel: str, *, lost: type[Unavailable | Uncertain] = Unavailable
    ) -> AsyncIterator[None]:
        """The seam to Redis. A failure without an answer is `lost`: for a post nobody knows whether it was done."""
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                yield
        except ResponseError as exc:  # it answered: nothing was done
            raise Unavailable(self.name, channel, f"the store refuses ({exc})") from exc
        except (RedisError, OSError, TimeoutError) as exc:
            raise lost(self.name, channel, f"the store does not answer ({type(exc).__name__})") from exc


def _headline(receipt: Receipt) -> str:
    """A reply is named "headline/reply", so that a receipt alone says which thread it is in."""
    return receipt.message.partition("/")[0]


def _receipt(channel: str, headline: str, key: str, at: str) -> Receipt:
    message = key if key == headline else f"{headline}/{key}"
    return Receipt(channel=channel, message=message, at=datetime.fromisoformat(at))


def _posted(headline: str, facts: Mapping[str, str]) -> Posted | None:
    """The headline with its thread, or None when it expired after it was listed."""
    keys = [name.rpartition("|")[0] for name in facts if name.endswith("|order")]
    if headline not in keys:
        return None
    replies = sorted((k for k in keys if k != headline), key=lambda k: int(facts[f"{k}|order"]))
    told = tuple(_message(f"{headline}/{key}", key, facts) for key in replies)
    return _message(headline, headline, facts, told)


def _message(id_: str, key: str, facts: Mapping[str, str], replies: tuple[Posted, ...] = ()) -> Posted:
    edited_at = facts.get(f"{key}|edited_at")
    return Posted(
        id=id_,
        card=decode(facts[f"{key}|card"]),
        posted_at=datetime.fromisoformat(facts[f"{key}|at"]),
        edited_at=datetime.fromisoformat(edited_at) if edited_at else None,
        edits=int(facts.get(f"{key}|edits", 0)),
        replies=replies,
    )


def _text(value: bytes | str | Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
