"""What only time does: events that fell silent lapse, what is long over is forgotten, open headlines are looked at again."""

from __future__ import annotations

from collections.abc import Callable

from bot import telemetry
from bot.domain.conversation import Conversation
from bot.domain.decide import CLOCK
from bot.domain.incident import Incident
from bot.domain.observation import Sighting
from bot.pipeline.ingest import Ingest
from bot.ports import Clock, Incidents, Outbox

EVERY_SECONDS = 600.0


class Sweep:
    """Walks all ledgers now and then. Everything it does may be done twice. `saw_all` is told what each provider has open."""

    def __init__(
        self,
        incidents: Incidents,
        outbox: Outbox,
        ingest: Ingest,
        clock: Clock,
        saw_all: Callable[[str, tuple[Incident, ...]], None] = lambda provider, incidents: None,
    ) -> None:
        self._incidents = incidents
        self._outbox = outbox
        self._ingest = ingest
        self._clock = clock
        self._saw_all = saw_all

    async def run(self) -> None:
        """Sweep at once, then every ten minutes, until cancelled."""
        while True:
            await self.once()
            await self._clock.sleep(EVERY_SECONDS)

    async def once(self) -> None:
        """One walk: time-dependent rules, and every open incident's conversations made due (`plan` finds nothing, mostly)."""
        open_count = 0
        for provider in await self._incidents.providers():
            now = self._clock.now()
            await self._ingest.sighting(
                Sighting(provider=provider, source=CLOCK, seen_at=now, observations=())
            )
            going_on = (await self._incidents.read(provider)).open_incidents
            self._saw_all(provider, going_on)
            for incident in going_on:
                open_count += 1
                for channel in incident.channels:
                    talk = Conversation(subject=incident.id, provider=provider, channel=channel)
                    await self._outbox.wake(talk, now)
        telemetry.OPEN.set(open_count)

    async def wake_all(self) -> None:
        """Make every open conversation look again at once: a silence came, changed or ended."""
        for provider in await self._incidents.providers():
            now = self._clock.now()
            for incident in (await self._incidents.read(provider)).incidents.values():
                for channel in incident.channels:
                    await self._outbox.wake(
                        Conversation(subject=incident.id, provider=provider, channel=channel), now
                    )
