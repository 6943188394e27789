"""Takes a person out of what is kept: acknowledgements, silences, added pages, the audit, the console's messages.

Ledgers change by commits, so that the outbox edits what the chats still show; the rest is rewritten in place. Called by
`fogbell erase`, beside a running worker or without one.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import redis.asyncio as aioredis

from bot.domain.decide import Decision
from bot.domain.incident import Incident, Ledger, revised
from bot.domain.silences import Silence
from bot.errors import Conflict, UsageError
from bot.ports import Monitor
from bot.store import keys
from bot.store.backup import names_of, text
from bot.store.desk import Shelf
from bot.store.redis import Functions, RedisIncidents, translated
from bot.store.sharing import RedisAudit

SOMEONE = "someone"
SHORTEST = 3  # characters: less would hit half of the language
TRIES = 20
PIECE = 500
_CHAT_ID = re.compile(r"(?:slack[\w-]*|discord):(\w{6,})")

# KEYS 1 stream; ARGV 1 JSON {id: [field, value, ...]} of the lines to change. All others stay, also those of this moment.
_REWRITE = """
local changed = cjson.decode(ARGV[1])
local lines = redis.call('XRANGE', KEYS[1], '-', '+')
redis.call('DEL', KEYS[1])
for _, line in ipairs(lines) do
  redis.call('XADD', KEYS[1], line[1], unpack(changed[line[1]] or line[2]))
end
return #lines
"""
# KEYS 1 hash; ARGV 1 field, 2 the value that was read, 3 the new one. Nothing when somebody has written meanwhile.
_SWAP = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""


class Eraser:
    """`persons` are the names and ids of one person. Raises UsageError for one too short to be looked for."""

    def __init__(
        self, client: aioredis.Redis, persons: Iterable[str], *, now: datetime, is_dry_run: bool = False
    ) -> None:
        self._client: Any = client
        self._now = now
        self._is_dry_run = is_dry_run
        self._pattern = _pattern(persons)
        self._found: Counter[str] = Counter()

    async def erase(self, *, by: str) -> Counter[str]:
        """Do it; gives how many things held the person, by what one is called. `by` goes into the audit. Raises StoreError."""
        await self._ledgers()
        await self._silences()
        await self._monitors()
        async with translated():
            await self._console()
            await self._audit()
        if not self._is_dry_run:
            line = {
                "at": self._now.isoformat(),
                "actor": by,
                "front": "cli",
                "command": "erase",
                "outcome": "done",
            }
            await RedisAudit(Functions(self._client)).append(line)
        return self._found

    def _without(self, words: str) -> str:
        return self._pattern.sub(SOMEONE, words)

    async def _ledgers(self) -> None:
        incidents = RedisIncidents(Functions(self._client))
        for provider in await incidents.providers():
            for _ in range(TRIES):
                ledger = await incidents.read(provider)
                decision = self._decided(ledger)
                if decision is None:
                    break
                if not self._is_dry_run:
                    try:
                        await incidents.commit(ledger, decision, self._now)
                    except Conflict:
                        continue
                self._found["acknowledgement"] += len(decision.incidents)
                break
            else:
                raise Conflict(f"{provider}: {TRIES} commits in a row found a newer ledger; try again")

    def _decided(self, ledger: Ledger) -> Decision | None:
        pairs = ((i, self._forgotten_by(i)) for i in ledger.incidents.values())
        changed = tuple(after for before, after in pairs if after is not before)
        if not changed:
            return None
        due = tuple((i.id, channel) for i in changed for channel in i.channels)
        return Decision(provider=ledger.provider, on_revision=ledger.revision, incidents=changed, due=due)

    def _forgotten_by(self, incident: Incident) -> Incident:
        taken = incident.acknowledged
        if taken is None:
            return incident
        return revised(incident, replace(incident, acknowledged=replace(taken, by=self._without(taken.by))))

    async def _silences(self) -> None:
        shelf = Shelf(self._client, keys.SILENCES, Silence)
        held = await shelf.all()
        after = {n: replace(s, by=self._without(s.by), why=self._without(s.why)) for n, s in held.items()}
        await self._put("silence", shelf, held, after)

    async def _monitors(self) -> None:
        shelf = Shelf(self._client, keys.MONITORS, Monitor)
        held = await shelf.all()
        after = {name: replace(monitor, by=self._without(monitor.by)) for name, monitor in held.items()}
        await self._put("added page", shelf, held, after)

    async def _put(self, what: str, shelf: Shelf[Any], held: dict[str, Any], after: dict[str, Any]) -> None:
        changed = {name: value for name, value in after.items() if value != held[name]}
        self._found[what] += len(changed)
        if not self._is_dry_run:
            await shelf.put_all(changed)

    async def _console(self) -> None:
        for key in await names_of(self._client, "fogbell:{console}:thread:*"):
            for field, value in (await self._client.hgetall(key)).items():
                if not field.endswith(b"|card"):
                    continue
                before = json.loads(value)
                cleaned = self._cleaned(before)
                self._found["console message"] += cleaned != before
                if cleaned != before and not self._is_dry_run:
                    after = json.dumps(cleaned, ensure_ascii=False, separators=(",", ":"))
                    await self._client.eval(_SWAP, 1, key, field, value, after)

    def _cleaned(self, value: Any) -> Any:
        """JSON with the person out of its texts; names of fields stay."""
        match value:
            case str():
                return self._without(value)
            case list():
                return [self._cleaned(item) for item in value]
            case dict():
                return {name: self._cleaned(item) for name, item in value.items()}
        return value

    async def _audit(self) -> None:
        changed: dict[str, list[str]] = {}
        last = "-"
        while rows := await self._client.xrange(keys.AUDIT, min=last, count=PIECE):
            for id_, fields in rows:
                line = {text(name): text(value) for name, value in fields.items()}
                after = {name: self._without(value) for name, value in line.items()}
                if after != line:
                    changed[text(id_)] = [part for pair in after.items() for part in pair]
            last = f"({text(rows[-1][0])}"
        self._found["audit line"] += len(changed)
        if changed and not self._is_dry_run:
            await self._client.eval(_REWRITE, 1, keys.AUDIT, json.dumps(changed))


def _pattern(persons: Iterable[str]) -> re.Pattern[str]:
    """Matches any of these as whole words; a chat's id also without the chat's name, as people's mentions have it."""
    wanted = [person.strip() for person in persons]
    for person in wanted:
        if len(person) < SHORTEST:
            raise UsageError(f'"{person}" is too short to be looked for: give the whole name or the id')
    wanted += [found[1] for person in wanted if (found := _CHAT_ID.fullmatch(person))]
    longest_first = sorted(wanted, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
