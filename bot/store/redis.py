"""The ledgers on Redis 7.0 or later (Valkey as well): ports.Incidents, one compare-and-set for each commit.

What must be atomic is a Function in `lua/`. Delivery's half is in `outbox`, calling scripts in `functions`, clients and their
errors in `connecting`; the names that everybody uses can be had from here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from datetime import date, datetime
from itertools import compress
from typing import Any, cast

from bot.domain.decide import Decision
from bot.domain.incident import Incident, Known, Ledger
from bot.domain.words import Impact, Severity
from bot.errors import Conflict
from bot.store import keys
from bot.store.connecting import connect, translated
from bot.store.functions import Functions, library
from bot.store.outbox import RedisOutbox, millis
from bot.store.texts import Texts

__all__ = ["Functions", "RedisIncidents", "RedisOutbox", "connect", "library", "millis", "translated"]


class RedisIncidents:
    """ports.Incidents. Keeps the newest ledgers in memory, by revision: an unchanged one is not read again."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._client = functions.client
        self._cache: dict[str, Ledger] = {}
        self._texts: defaultdict[str, Texts] = defaultdict(Texts)  # of the ledgers in the cache
        self._listed: set[str] = set()  # providers that the server of `_life` has among its names
        self._life: object = None

    async def read(self, provider: str, revision: int = 0) -> Ledger:
        """The ledger as it stands; the one in memory when it is of that revision, or of the store's."""
        key = keys.ledger(provider)
        cached = self._cache.get(provider)
        if revision and cached and cached.revision == revision:
            return cached
        async with translated():
            newest = int(await _value(self._client.hget(key, "revision")) or 0)
            if cached and cached.revision == newest and newest:
                return cached
            fields = await _value(self._client.hgetall(key))
        ledger = self._cache[provider] = _ledger_of(provider, fields, self._texts[provider])
        return ledger

    def remembered(self, provider: str) -> Ledger | None:
        """The ledger in memory."""
        return self._cache.get(provider)

    async def commit(self, ledger: Ledger, decision: Decision, now: datetime) -> tuple[Incident, ...]:
        """Write the decision, all or nothing."""
        decision = await self._numbered(ledger, decision)
        n = keys.shard(ledger.provider)
        # A commit succeeds only on the newest revision, so these were read from the texts that it replaces.
        texts = self._texts[ledger.provider]
        written = [(incident, texts.text(incident)) for incident in decision.incidents]
        fields = [*((f"i:{i.id}", text) for i, text in written), *_fields_of(decision)]
        dropped = [f"i:{name}" for name in decision.forgotten] + [
            f"k:{key}" for key in decision.forgotten_keys
        ]
        due = [keys.conversation(ledger.provider, incident, channel) for incident, channel in decision.due]
        revision = await self._functions.call_durably(
            "fogbell_commit",
            [keys.ledger(ledger.provider), keys.due(n), keys.leased(n), *due, *_of_forgotten(ledger, decision)],
            ledger.revision, self._functions.ms(now), millis(keys.FORGOTTEN_TTL),
            len(fields), *(x for pair in fields for x in pair), len(dropped), *dropped,
            len(due), *(x for pair in _members(ledger, decision) for x in pair),
        )  # fmt: skip
        if revision < 0:
            self._cache.pop(ledger.provider, None)
            raise Conflict(f"{ledger.provider}: revision {ledger.revision} is no longer the newest")
        ledger = self._cache[ledger.provider] = _applied(ledger, decision, int(revision))
        for incident, text in written:
            texts.wrote(incident, text)
        texts.keep(ledger.incidents)
        return decision.incidents

    async def find(self, incident: str) -> Incident | None:
        """An incident by its id, or None. Where we remember none that holds it, all ledgers are asked."""
        known = next((name for name, ledger in self._cache.items() if incident in ledger.incidents), None)
        if known and (found := (await self.read(known)).incidents.get(incident)):
            return found
        names = await self.providers()
        async with translated(), self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hexists(keys.ledger(name), f"i:{incident}")
            is_there = await pipe.execute() if names else []
        for name in compress(names, is_there):
            return (await self.read(name)).incidents.get(incident)
        return None

    async def providers(self) -> tuple[str, ...]:
        """The names of all ledgers."""
        async with translated():
            names = await _value(self._client.smembers(keys.PROVIDERS))
        return tuple(sorted(name.decode() for name in names))

    async def _numbered(self, ledger: Ledger, decision: Decision) -> Decision:
        """Give numbers to the newborn: before the commit, so that a crash leaves only a gap."""
        async with translated():
            await self._list(ledger)
            if not decision.births:
                return decision
            last = int(await _value(self._client.incrby(keys.NUMBER, decision.births)))
        return decision.numbered(last - decision.births + 1)

    async def _list(self, ledger: Ledger) -> None:
        """Put a ledger among the names of all, once in a server's life; an empty one again, for the server may be empty too."""
        if self._life is not self._functions.life:
            self._life = self._functions.life
            self._listed.clear()
        if not ledger.revision or ledger.provider not in self._listed:
            await _value(self._client.sadd(keys.PROVIDERS, ledger.provider))
            self._listed.add(ledger.provider)


async def _value(answer: Any) -> Any:
    """redis-py types its answers as "awaitable or not": here they always are."""
    return await cast(Awaitable[Any], answer)


def _members(ledger: Ledger, decision: Decision) -> list[tuple[str, str]]:
    """The conversations made due, by name, and "1" for those of what is worst: they go first when many are due."""
    incidents = {**ledger.incidents, **{i.id: i for i in decision.incidents}}
    return [
        (keys.member(ledger.provider, name, channel), "1" if _is_urgent(incidents.get(name)) else "")
        for name, channel in decision.due
    ]


def _is_urgent(incident: Incident | None) -> bool:
    return incident is not None and (
        incident.severity is Severity.SEV1
        or (incident.severity is None and incident.impact is Impact.CRITICAL)
    )


def _of_forgotten(ledger: Ledger, decision: Decision) -> list[str]:
    """The conversations of incidents that the ledger lets go of: nothing will ever be said in them again."""
    gone = [ledger.incidents[name] for name in decision.forgotten if name in ledger.incidents]
    return [keys.conversation(ledger.provider, i.id, channel) for i in gone for channel in i.channels]


def _ledger_of(provider: str, fields: Mapping[bytes, bytes], texts: Texts) -> Ledger:
    sources: dict[str, datetime] = {}
    incidents: dict[str, Incident] = {}
    known: dict[str, Known] = {}
    for raw, value in fields.items():
        kind, _, name = raw.decode().partition(":")
        if kind == "i":
            incidents[name] = texts.incident(name, value)
        elif kind == "k":
            incident, _, day = value.decode().rpartition("|")
            known[name] = Known(incident=incident or None, listed_on=date.fromisoformat(day))
        elif kind == "s":
            sources[name] = datetime.fromisoformat(value.decode())
    revision = int(fields.get(b"revision", 0))
    texts.keep(incidents)
    return Ledger(provider=provider, revision=revision, sources=sources, incidents=incidents, known=known)


def _fields_of(decision: Decision) -> list[tuple[str, str]]:
    """The fields beside those of incidents."""
    known = [
        (f"k:{key}", f"{k.incident or ''}|{k.listed_on.isoformat()}") for key, k in decision.known.items()
    ]
    sources = [(f"s:{name}", at.isoformat()) for name, at in decision.sources.items()]
    return [*known, *sources]


def _applied(ledger: Ledger, decision: Decision, revision: int) -> Ledger:
    incidents = {**ledger.incidents, **{i.id: i for i in decision.incidents}}
    known = {**ledger.known, **decision.known}
    for name in decision.forgotten:
        incidents.pop(name, None)
    for key in decision.forgotten_keys:
        known.pop(key, None)
    sources = {**ledger.sources, **decision.sources}
    return replace(ledger, revision=revision, incidents=incidents, known=known, sources=sources)
