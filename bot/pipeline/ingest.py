"""Sightings in, committed decisions out: read, decide, commit, and again when somebody else was first."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Collection
from dataclasses import replace

from bot import telemetry
from bot.domain.decide import Decision, acknowledge, decide
from bot.domain.incident import Incident, Ledger
from bot.domain.observation import Sighting
from bot.domain.rules import Rules
from bot.errors import Conflict, NotFound
from bot.pipeline.wake import Wake
from bot.ports import Clock, Incidents
from bot.telemetry import Event, log

COURTESY_S = 0.01
ATTEMPTS = 25  # commits lost in a row before we give up; four replicas without a pause need up to ten


class Ingest:
    """The one way into the ledgers. `changed` is rung after each commit, so that the outbox need not wait for its next look;
    `written` is told what the commit changed. `rules` may be replaced while it runs; `usable` names the chats that can be
    relied on now, None for all. `courtesy_s` is how long a ledger is left to other workers after a commit: who lost a race
    has to read it again, and would lose for ever to one that never pauses.
    """

    def __init__(
        self,
        incidents: Incidents,
        rules: Rules,
        clock: Clock,
        changed: Wake,
        written: Callable[[tuple[Incident, ...]], None] = lambda incidents: None,
        *,
        courtesy_s: float = 0.0,
    ) -> None:
        self.rules = rules
        self._courtesy_s = courtesy_s
        self._committed_at: dict[str, float] = {}
        self.usable: Callable[[], Collection[str] | None] = lambda: None
        self._incidents = incidents
        self._clock = clock
        self._changed = changed
        self._written = written

    async def read(self, provider: str) -> Ledger:
        """The ledger as it stands."""
        return await self._incidents.read(provider)

    def remembered(self, provider: str) -> Ledger | None:
        """The ledger as this worker last saw it, or None: nobody is asked."""
        return self._incidents.remembered(provider)

    async def sighting(self, seen: Sighting, ledger: Ledger | None = None) -> tuple[Incident, ...]:
        """The incidents that this look at a source changed, as written. Raises StoreError.

        With a `ledger` it is decided on that one alone: it spares reading it. Raises Conflict when it is not the newest.
        """
        for said in seen.observations:
            for word in said.unknown_words:
                telemetry.UNKNOWN_WORDS.labels(seen.source).inc()
                log().warning(Event.WORD_UNKNOWN, source=seen.source, word=word[:60])
        usable = self.usable()
        rules = self.rules if usable is None else replace(self.rules, usable_chats=usable)
        return await self._commit(seen.provider, lambda ledger: decide(ledger, seen, rules), ledger)

    async def acknowledge(self, incident_id: str, by: str) -> Incident:
        """The incident, with someone on it. Raises NotFound."""
        incident = await self._incidents.find(incident_id)
        if incident is None:
            raise NotFound(f"there is no {incident_id}; /incident list shows the open ones")
        now = self._clock.now()
        await self._commit(incident.provider, lambda ledger: acknowledge(ledger, incident_id, by, now))
        return await self._incidents.find(incident_id) or incident

    async def _after_you(self, provider: str) -> None:
        since = self._committed_at.get(provider)
        if self._courtesy_s and since is not None:
            await asyncio.sleep(max(0.0, since + self._courtesy_s - time.monotonic()))

    async def _commit(
        self, provider: str, decided: Callable[[Ledger], Decision | None], given: Ledger | None = None
    ) -> tuple[Incident, ...]:
        await self._after_you(provider)
        for _ in range(ATTEMPTS if given is None else 1):
            ledger = given or await self._incidents.read(provider)
            decision = decided(ledger)
            if decision is None:
                if given and (await self._incidents.read(provider)).revision != given.revision:
                    break
                return ()
            try:
                written = await self._incidents.commit(ledger, decision, self._clock.now())
            except Conflict:
                telemetry.CONFLICTS.inc()
                await asyncio.sleep(random.uniform(0, 0.01))  # noqa: S311 - jitter, not a secret
                continue
            self._committed_at[provider] = time.monotonic()
            if decision.due:
                self._changed.ring(provider)
                await asyncio.sleep(0)  # whoever tells it has asked for it before we write down the rest
            self._written(written)
            telemetry.UPDATES.inc(_gained(ledger, decision))
            for incident in written:
                log().info(
                    Event.INCIDENT_CHANGED, incident=incident.id, provider=provider, status=incident.status.value,
                    revision=incident.revision, channels=len(incident.channels),
                )  # fmt: skip
            return written
        raise Conflict(f"{provider}: {1 if given else ATTEMPTS} commits in a row found a newer ledger")


def _gained(ledger: Ledger, decision: Decision) -> int:
    """How many updates the decision adds."""
    before = {u.id for i in decision.incidents if (old := ledger.incidents.get(i.id)) for u in old.updates}
    return len({u.id for i in decision.incidents for u in i.updates} - before)
