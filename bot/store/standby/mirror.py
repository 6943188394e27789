"""The copy that the store of our own holds of the store: ledgers, what each channel holds, silences and added pages.

Once a second only what changed is copied, told by the revision of a ledger and the tokens of a conversation. The console's
conversations are left out: that chat lives in the store, so a store of our own has a console of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import redis.asyncio as aioredis

from bot.domain.incident import Incident
from bot.errors import StoreError, StoreUnavailable
from bot.ports import Incidents
from bot.store import keys
from bot.store.redis import millis, translated

WATCHED_FOR = timedelta(hours=1)  # a closed incident may still get its last messages for so long
IN_ONE_GO = 100  # calls sent together: more would hold up what else is due
_STRINGS = (keys.NUMBER, keys.SCHEMA_KEY)
_HASHES = (keys.SILENCES, keys.MONITORS, keys.CHECKS)


class Mirror:
    """Copies `store` into `own`. What was copied is remembered here alone: a new Mirror copies everything."""

    def __init__(self, store: aioredis.Redis, own: aioredis.Redis, incidents: Incidents) -> None:
        self._store = store
        self._own = own
        self._ledgers = incidents  # those of the worker: what it wrote itself need not be read again
        self._seen: dict[str, Any] = {}  # by key: what told its last change
        self._incidents: dict[str, Mapping[str, Incident]] = {}

    def forget(self) -> None:
        """Copy everything the next time."""
        self._seen.clear()
        self._incidents.clear()

    async def copy(self, now: datetime) -> int:
        """Copy what changed; gives how many ledgers and conversations that were. Raises StoreError."""
        copied = await self.copy_ledgers()
        async with translated():
            await self._copy_small()
            return copied + await self._copy_talks(
                [t for name in self._incidents for t in self._watched(name, now)]
            )

    async def copy_ledgers(self) -> int:
        """Copy the ledgers that changed, and the conversations of what changed in them: the part that must be quick."""
        async with translated():
            names = {name.decode() for name in await cast(Any, self._store.smembers(keys.PROVIDERS))}
            ledgers = {keys.ledger(name): name for name in names}
            changed = await self._changed(ledgers, "revision")
            talks: list[str] = []
            for key, revision in changed.items():
                try:
                    talks += await self._copy_ledger(ledgers[key])
                except StoreUnavailable:
                    raise
                except StoreError:
                    continue  # one that cannot be read, which its own work says, must not cost the copies of others
                self._seen[key] = revision
            return len(changed) + await self._copy_talks(talks)

    async def _copy_small(self) -> None:
        calls: list[tuple[Any, ...]] = [("get", key) for key in _STRINGS]
        calls += [("hgetall", key) for key in _HASHES]
        found = dict(zip((*_STRINGS, *_HASHES), await asked(self._store, calls), strict=True))
        found = {key: value for key, value in found.items() if self._seen.get(key) != value}
        writes: list[tuple[Any, ...]] = [("delete", key) for key in found]
        writes += [("set", key, value) for key, value in found.items() if value and key in _STRINGS]
        writes += [
            ("hset", key, None, None, value) for key, value in found.items() if value and key in _HASHES
        ]
        await asked(self._own, writes)
        self._seen |= found

    async def _copy_ledger(self, provider: str) -> list[str]:
        """Copy a ledger; gives the conversations of those of its incidents that changed."""
        before, after = self._incidents.get(provider, {}), (await self._ledgers.read(provider)).incidents
        fresh = [incident for name, incident in after.items() if before.get(name) != incident]
        gone = [talk for name in before.keys() - after.keys() for talk in talks_of(before[name])]
        key = keys.ledger(provider)
        fields = await cast(Any, self._store.hgetall(key))
        await asked(
            self._own,
            [
                ("sadd", keys.PROVIDERS, provider),
                ("delete", key),
                ("hset", key, None, None, fields),
                *(("delete", talk) for talk in gone),
            ],
        )
        for talk in gone:
            self._seen.pop(talk, None)
        self._incidents[provider] = after
        return [talk for incident in fresh for talk in talks_of(incident)]

    async def _copy_talks(self, talks: Iterable[str]) -> int:
        changed = await self._changed(talks, "token", "settled")
        states = await asked(self._store, [("hmget", key, "state", "attempt") for key in changed])
        writes: list[tuple[Any, ...]] = []
        for key, (state, attempt) in zip(changed, states, strict=True):
            fields = {name: value for name, value in (("state", state), ("attempt", attempt)) if value}
            writes.append(("delete", key))
            if fields:
                writes.append(("hset", key, None, None, fields))
                writes.append(("pexpire", key, millis(keys.CONVERSATION_TTL)))
        await asked(self._own, writes)
        self._seen |= changed
        return len(changed)

    def _watched(self, provider: str, now: datetime) -> list[str]:
        return [
            talk
            for incident in self._incidents.get(provider, {}).values()
            if incident.is_open or (incident.closed_at and now - incident.closed_at < WATCHED_FOR)
            for talk in talks_of(incident)
        ]

    async def _changed(self, names: Iterable[str], *fields: str) -> dict[str, Any]:
        """Those keys whose fields are not what they were when they were copied, with what they are now."""
        names = list(names)
        marks = await asked(self._store, [("hmget", name, *fields) for name in names])
        return {
            name: mark
            for name, mark in zip(names, marks, strict=True)
            if any(mark) and self._seen.get(name) != mark
        }


def talks_of(incident: Incident) -> list[str]:
    """The keys of an incident's conversations, without the console's."""
    channels = (channel for channel in incident.channels if not channel.startswith("console:"))
    return [keys.conversation(incident.provider, incident.id, channel) for channel in channels]


async def asked(client: aioredis.Redis, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
    """The answers to calls, such as ("hget", key, field), sent together."""
    answers: list[Any] = []
    for start in range(0, len(calls), IN_ONE_GO):
        async with client.pipeline(transaction=False) as pipe:
            for name, *arguments in calls[start : start + IN_ONE_GO]:
                getattr(pipe, name)(*arguments)
            answers += await pipe.execute()
    return answers
