"""Tells operators, once, when a provider cannot be seen any more, and when it can again.

What to say is in `domain.blindness`.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.blindness import ALL, SOURCE, about, observations
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
        ledger = await self._incidents.read(WATCHER)
        now, ours = self._clock.now(), self._pool.ours
        # Half of what we look at says nothing of the whole: one source may be lost, and the next one see it all.
        if not all(watch.has_looked for watch in ours):
            return
        reports = [watch.report for watch in ours]
        held = [incident for incident in ledger.open_incidents if self._is_ours(about(incident))]
        if not held and not any(report.trouble for report in reports):
            return
        everyone = f"{ALL}{min(self._pool.shards, default='')}"
        said = observations(reports, held, self._names, now, everyone=everyone)
        if said:
            seen = Sighting(
                provider=WATCHER, source=SOURCE, seen_at=now, observations=said, listing=Listing.PART
            )
            await self._ingest.sighting(seen)

    def _is_ours(self, provider: str) -> bool:
        """True when it is ours to judge. What was said of all, whoever holds the first of that worker's shards answers for."""
        if provider.startswith(ALL):
            return provider.removeprefix(ALL) in {"", *map(str, self._pool.shards)}
        return self._pool.holds(provider)
