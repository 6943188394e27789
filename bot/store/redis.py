"""The ports' store on Redis 7.0 or later (Valkey as well): one class for each port, one seam for errors.

What must be atomic is a Function in `lua/`: loaded once, it survives a restart of the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from typing import Any, cast

import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import AuthenticationError, NoScriptError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.domain.decide import Decision
from bot.domain.delivery import Attempt, Conversation
from bot.domain.incident import Incident, Known, Ledger
from bot.errors import Conflict, LeaseLost, StoreError, StoreUnavailable
from bot.ports import Claimed
from bot.store import codec, keys
from bot.telemetry import Event, log

LIBRARY = "fogbell"
_SCRIPTS = ("commit", "claim", "settle", "bucket", "lease")
_NEVER_LOADED = ("Function not found", "unknown command")


def connect(url: str) -> aioredis.Redis:
    """A client for `url` (redis://, rediss://, unix://). Nothing is sent before the first command.

    A pool that waits instead of raising, and a few quick retries to bridge a restart: every script may safely run twice.
    """
    pool = aioredis.BlockingConnectionPool.from_url(
        url,
        max_connections=16,
        timeout=10,
        socket_timeout=10,
        socket_connect_timeout=5,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 4),
        retry_on_error=[RedisConnectionError],
        health_check_interval=30,
    )
    return aioredis.Redis.from_pool(pool)


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Turns the library's errors into ours: the one seam of this store."""
    try:
        yield
    except AuthenticationError as exc:  # to the library a kind of ConnectionError
        raise StoreError(f"the store refused our name or password: {exc}; check [store] url") from exc
    except (RedisConnectionError, RedisTimeoutError, ConnectionError, TimeoutError) as exc:
        raise StoreUnavailable(f"the store does not answer: {exc}") from exc
    except RedisError as exc:
        hint = "; Redis or Valkey 7.0 or later is needed" if "unknown command" in str(exc) else ""
        raise StoreError(f"the store refused: {exc}{hint}") from exc


class Functions:
    """Calls our scripts, and loads them when the server does not know them yet."""

    def __init__(self, client: aioredis.Redis) -> None:
        self.client = client
        self._loading = asyncio.Lock()

    async def load(self) -> None:
        """Put the library on the server, in place of an older one."""
        async with translated():
            await self.client.function_load(_library(), replace=True)

    async def call(self, name: str, keys_: Sequence[str], *args: Any) -> Any:
        """What the script gives."""
        return (await self.call_all([(name, keys_, args)]))[0]

    async def call_all(self, calls: Sequence[tuple[str, Sequence[str], Sequence[Any]]]) -> list[Any]:
        """What each of the calls gives, sent in one go."""
        try:
            return await self._send(calls)
        except (ResponseError, NoScriptError) as exc:
            if not any(words in str(exc) for words in _NEVER_LOADED):
                raise StoreError(f"the store refused: {exc}") from exc
        async with self._loading:
            await self.load()
            await self._note_loss()
        async with translated():
            return await self._send(calls)

    async def _note_loss(self) -> None:
        """Say it once when a server came back without what it held: what is open will be announced a second time."""
        async with translated():
            if await self.client.set(keys.SCHEMA_KEY, keys.SCHEMA, nx=True):
                log().error(Event.STORE_EMPTY, remedy="let the store keep its data on disk")

    async def _send(self, calls: Sequence[tuple[str, Sequence[str], Sequence[Any]]]) -> list[Any]:
        try:
            if len(calls) == 1:
                name, keys_, args = calls[0]
                return [await self.client.fcall(name, len(keys_), *keys_, *args)]
            async with self.client.pipeline(transaction=False) as pipe:
                for name, keys_, args in calls:
                    pipe.fcall(name, len(keys_), *keys_, *args)
                return list(await pipe.execute())
        except (RedisConnectionError, RedisTimeoutError) as exc:
            raise StoreUnavailable(f"the store does not answer: {exc}") from exc


def _library() -> str:
    folder = resources.files("bot.store") / "lua"
    parts = [(folder / f"{name}.lua").read_text() for name in _SCRIPTS]
    return f"#!lua name={LIBRARY}\n" + "\n".join(parts)


class RedisIncidents:
    """ports.Incidents. Keeps the newest ledgers in memory, by revision: an unchanged one is not read again."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._client = functions.client
        self._cache: dict[str, Ledger] = {}

    async def read(self, provider: str) -> Ledger:
        """The ledger as it stands."""
        key = keys.ledger(provider)
        async with translated():
            revision = int(await _value(self._client.hget(key, "revision")) or 0)
            cached = self._cache.get(provider)
            if cached and cached.revision == revision and revision:
                return cached
            fields = await _value(self._client.hgetall(key))
        ledger = _ledger_of(provider, fields)
        self._cache[provider] = ledger
        return ledger

    async def commit(self, ledger: Ledger, decision: Decision, now: datetime) -> tuple[Incident, ...]:
        """Write the decision, all or nothing."""
        decision = await self._numbered(decision)
        n = keys.shard(ledger.provider)
        fields = _fields_of(decision)
        dropped = [f"i:{name}" for name in decision.forgotten] + [
            f"k:{key}" for key in decision.forgotten_keys
        ]
        names = [keys.conversation(ledger.provider, incident, channel) for incident, channel in decision.due]
        members = [keys.member(ledger.provider, incident, channel) for incident, channel in decision.due]
        revision = await self._functions.call(
            "fogbell_commit",
            [keys.ledger(ledger.provider), keys.due(n), keys.leased(n), *names],
            ledger.revision, _ms(now), len(fields), *(x for pair in fields for x in pair),
            len(dropped), *dropped, *members,
        )  # fmt: skip
        if revision < 0:
            self._cache.pop(ledger.provider, None)
            raise Conflict(f"{ledger.provider}: revision {ledger.revision} is no longer the newest")
        self._cache[ledger.provider] = _applied(ledger, decision, int(revision))
        return decision.incidents

    async def find(self, incident: str) -> Incident | None:
        """An incident by its id, or None."""
        async with translated():
            provider = await _value(self._client.get(keys.where(incident)))
        if provider is None:
            return None
        return (await self.read(provider.decode())).incidents.get(incident)

    async def providers(self) -> tuple[str, ...]:
        """The names of all ledgers."""
        async with translated():
            names = await _value(self._client.smembers(keys.PROVIDERS))
        return tuple(sorted(name.decode() for name in names))

    async def _numbered(self, decision: Decision) -> Decision:
        """Give numbers to the newborn, and note where they live: before the commit, so that a crash leaves only a gap."""
        async with translated():
            await _value(self._client.sadd(keys.PROVIDERS, decision.provider))
            if not decision.births:
                return decision
            last = int(await _value(self._client.incrby(keys.NUMBER, decision.births)))
            numbered = decision.numbered(last - decision.births + 1)
            for incident in numbered.incidents:
                if incident.revision == 1:
                    await self._client.set(keys.where(incident.id), decision.provider, ex=keys.WHERE_TTL)
        return numbered


class RedisOutbox:
    """ports.Outbox, for one worker: `owner` stays the same over its restarts."""

    def __init__(self, functions: Functions, owner: str = "") -> None:
        self._functions = functions
        self._owner = owner
        self._client = functions.client
        self._turn = 0

    async def claim(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Claimed]:
        """Up to `limit` due conversations from all shards; the first shard asked changes from call to call."""
        self._turn += 1
        order = [(self._turn + n) % keys.SHARDS for n in range(keys.SHARDS)]
        calls = [
            (
                "fogbell_claim",
                [keys.due(n), keys.leased(n), keys.fence(n)],
                [_ms(now), limit, millis(lease), keys.conversation_prefix(n), self._owner],
            )
            for n in order
        ]
        found = await self._functions.call_all(calls)
        return [_claimed(row) for rows in found for row in rows]

    async def give_back(self, now: datetime) -> int:
        """Make due again what this worker held when it died; gives how many. Call it before the first claim."""
        calls = [
            (
                "fogbell_give_back",
                [keys.due(n), keys.leased(n)],
                [_ms(now), self._owner, keys.conversation_prefix(n)],
            )
            for n in range(keys.SHARDS)
        ]
        return sum(await self._functions.call_all(calls))

    async def begin(self, claimed: Claimed, attempt: Attempt) -> None:
        """Write the intention."""
        talk = claimed.talk
        key = keys.conversation(talk.provider, talk.subject, talk.channel)
        text = codec.attempt_json(attempt)
        if not await self._functions.call("fogbell_begin", [key], claimed.token, text):
            raise LeaseLost(f"{talk.subject} in {talk.channel}: another worker owns it")

    async def settle(self, claimed: Claimed, talk: Conversation, due_at: datetime | None) -> None:
        """Write the outcome and let go."""
        n = keys.shard(talk.provider)
        ok = await self._functions.call(
            "fogbell_settle",
            [keys.conversation(talk.provider, talk.subject, talk.channel), keys.due(n), keys.leased(n)],
            claimed.token,
            keys.member(talk.provider, talk.subject, talk.channel),
            codec.conversation_json(talk),
            _ms(due_at) if due_at else "",
            millis(keys.CONVERSATION_TTL),
            "keep" if talk.attempt else "",
        )
        if not ok:
            raise LeaseLost(f"{talk.subject} in {talk.channel}: another worker owns it")

    async def wake(self, talk: Conversation, due_at: datetime) -> None:
        """Make a conversation due."""
        n = keys.shard(talk.provider)
        key = keys.conversation(talk.provider, talk.subject, talk.channel)
        member = keys.member(talk.provider, talk.subject, talk.channel)
        await self._functions.call("fogbell_wake", [keys.due(n), keys.leased(n), key], member, _ms(due_at))

    async def next_due(self) -> datetime | None:
        """When the earliest unclaimed conversation is due."""
        async with translated(), self._client.pipeline(transaction=False) as pipe:
            for n in range(keys.SHARDS):
                pipe.zrange(keys.due(n), 0, 0, withscores=True)
            rows = await pipe.execute()
        times = [row[0][1] for row in rows if row]
        return datetime.fromtimestamp(min(times) / 1000, UTC) if times else None

    async def conversations(self, incident: Incident) -> tuple[Conversation, ...]:
        """What each channel is known to hold."""
        talks = []
        for channel in incident.channels:
            key = keys.conversation(incident.provider, incident.id, channel)
            async with translated():
                state, attempt = await _value(self._client.hmget(key, ["state", "attempt"]))
            if state:
                talks.append(codec.conversation_of(state, attempt))
        return tuple(talks)


async def _value(answer: Any) -> Any:
    """redis-py types its answers as "awaitable or not": here they always are."""
    return await cast(Awaitable[Any], answer)


def _ledger_of(provider: str, fields: Mapping[bytes, bytes]) -> Ledger:
    sources: dict[str, datetime] = {}
    incidents: dict[str, Incident] = {}
    known: dict[str, Known] = {}
    for raw, value in fields.items():
        kind, _, name = raw.decode().partition(":")
        if kind == "i":
            incidents[name] = codec.incident_of(value)
        elif kind == "k":
            incident, _, day = value.decode().rpartition("|")
            known[name] = Known(incident=incident or None, listed_on=date.fromisoformat(day))
        elif kind == "s":
            sources[name] = datetime.fromisoformat(value.decode())
    revision = int(fields.get(b"revision", 0))
    return Ledger(provider=provider, revision=revision, sources=sources, incidents=incidents, known=known)


def _fields_of(decision: Decision) -> list[tuple[str, bytes | str]]:
    incidents = [(f"i:{i.id}", codec.incident_json(i)) for i in decision.incidents]
    known = [
        (f"k:{key}", f"{k.incident or ''}|{k.listed_on.isoformat()}") for key, k in decision.known.items()
    ]
    sources = [(f"s:{name}", at.isoformat()) for name, at in decision.sources.items()]
    return [*incidents, *known, *sources]


def _applied(ledger: Ledger, decision: Decision, revision: int) -> Ledger:
    incidents = {**ledger.incidents, **{i.id: i for i in decision.incidents}}
    known = {**ledger.known, **decision.known}
    for name in decision.forgotten:
        incidents.pop(name, None)
    for key in decision.forgotten_keys:
        known.pop(key, None)
    sources = {**ledger.sources, **decision.sources}
    return replace(ledger, revision=revision, incidents=incidents, known=known, sources=sources)


def _claimed(row: Sequence[Any]) -> Claimed:
    member, token, state, attempt = row
    provider, incident, channel = member.decode().split("|", 2)
    talk = (
        codec.conversation_of(state, attempt)
        if state
        else Conversation(subject=incident, provider=provider, channel=channel)
    )
    if attempt and not state:
        talk = codec.with_attempt(talk, attempt)
    return Claimed(talk=talk, token=int(token))


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def millis(span: timedelta) -> int:
    """A time span as Redis wants it."""
    return int(span.total_seconds() * 1000)
