"""Tells operators, once, when a provider cannot be seen any more, and when it can again.

What to say is in `domain.blindness`.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.blindness import SOURCE, observations
from bot.domain.observation import WATCHER, Listing, Sighting
from bot.pipeline.ingest import Ingest
from bot.pipeline.pool import Pool
from bot.ports import Clock, Incidents

EVERY_SECONDS = 5.0


class Sight:
    """Compares what this worker sees with what it has said about that."""

    def __init__(
        self, pool: Pool, incidents: Incidents, ingest: Ingest, clock: Clock, names: Mapping[str, str]
    ) -> None:
        self._pool = pool
        self._incidents = incidents
        self._ingest = ingest
        self._clock = clock
        self._names = names

    async def run(self) -> None:
        """Compare every few seconds, until cancelled."""
        while True:
            await self._clock.sleep(EVERY_SECONDS)
            await self.once()

    async def once(self) -> None:
        """One comparison. Raises StoreError."""
        now = self._clock.now()
        reports = [watch.report for watch in self._pool.ours if watch.has_looked]
        held = (await self._incidents.read(WATCHER)).open_incidents
        if not held and not any(report.trouble for report in reports):
            return
        said = observations(reports, held, self._names, now)
        if said:
            seen = Sighting(
                provider=WATCHER, source=SOURCE, seen_at=now, observations=said, listing=Listing.PART
            )
            await self._ingest.sighting(seen)
