"""What only time does: what fell silent lapses, what nobody watches ends, what is long over is forgotten; open headlines are
looked at again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from bot import telemetry
from bot.domain.conversation import Conversation
from bot.domain.decide import CLOCK
from bot.domain.incident import Incident, Ledger
from bot.domain.observation import Sighting
from bot.errors import StoreError, StoreUnavailable
from bot.pipeline.ingest import Ingest
from bot.pipeline.wake import Wake
from bot.ports import Clock, Incidents, Outbox
from bot.telemetry import Event, log

EVERY_SECONDS = 600.0


async def _none(ledger: Ledger, now: datetime) -> frozenset[str]:
    return frozenset()


class Sweep:
    """Walks all ledgers now and then. Everything it does may be done twice.

    `saw_all` is told what each provider has open; `unwatched` names the sources of a ledger that nobody looks at any more.
    `changed` is rung when all must look again.
    """

    def __init__(
        self,
        incidents: Incidents,
        outbox: Outbox,
        ingest: Ingest,
        clock: Clock,
        saw_all: Callable[[str, tuple[Incident, ...]], None] = lambda provider, incidents: None,
        changed: Wake | None = None,
    ) -> None:
        self._changed = changed or Wake()
        self._incidents = incidents
        self._outbox = outbox
        self._ingest = ingest
        self._clock = clock
        self._saw_all = saw_all
        self.unwatched: Callable[[Ledger, datetime], Awaitable[frozenset[str]]] = _none

    async def run(self) -> None:
        """Sweep at once, then every ten minutes, until cancelled."""
        while True:
            await self.once()
            await self._clock.sleep(EVERY_SECONDS)

    async def once(self) -> None:
        """One walk: time-dependent rules, and every open incident's conversations made due (`plan` finds nothing, mostly).

        Raises StoreUnavailable.
        """
        telemetry.OPEN.set(await self._each(self._one))

    async def _each(self, work: Callable[[str], Awaitable[int]]) -> int:
        """What `work` gives for all ledgers together. One that cannot be read or written costs the others nothing."""
        total = 0
        for provider in await self._incidents.providers():
            try:
                total += await work(provider)
            except StoreUnavailable:
                raise
            except StoreError as exc:
                log().error(Event.STORE_UNREADABLE, provider=provider, reason=str(exc))
        return total

    async def _one(self, provider: str) -> int:
        """Sweep a ledger; gives how many incidents are open there."""
        now = self._clock.now()
        ledger = await self._incidents.read(provider)
        gone = await self.unwatched(ledger, now)
        seen = Sighting(provider=provider, source=CLOCK, seen_at=now, observations=(), unwatched=gone)
        await self._ingest.sighting(seen)
        going_on = (await self._incidents.read(provider)).open_incidents
        self._saw_all(provider, going_on)
        for incident in going_on:
            await self._wake(incident, now)
        return len(going_on)

    async def wake_all(self) -> None:
        """Make every conversation look again at once: a silence came, changed or ended. Raises StoreUnavailable."""
        await self._each(self._wake_those_of)
        self._changed.set()

    async def _wake_those_of(self, provider: str) -> int:
        """Gives how many incidents that were, open or not."""
        incidents, now = (await self._incidents.read(provider)).incidents, self._clock.now()
        for incident in incidents.values():
            await self._wake(incident, now)
        return len(incidents)

    async def _wake(self, incident: Incident, now: datetime) -> None:
        for channel in incident.channels:
            talk = Conversation(subject=incident.id, provider=incident.provider, channel=channel)
            await self._outbox.wake(talk, now)
