"""How well we see, for whoever asks: `status`, the page, the metrics. The facts come from `watch`, by way of the store."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.trust import SourceReport, SourceState, state_now
from bot.ports import Clock, Incidents
from bot.sources.payload import SourceSpec
from bot.store.desk import Shelf


class Reports:
    """ports.Sources: one report for each configured source."""

    def __init__(
        self, sources: tuple[SourceSpec, ...], shelf: Shelf[SourceReport], incidents: Incidents, clock: Clock
    ) -> None:
        self._sources = sources
        self._shelf = shelf
        self._incidents = incidents
        self._clock = clock

    async def lines(self) -> tuple[SourceReport, ...]:
        """The reports as of now: one that nobody refreshed grows old, whatever it said when it was written."""
        held = await self._shelf.all()
        now = self._clock.now()
        reports = []
        for source in self._sources:
            unseen = SourceReport(provider=source.provider, name=source.name, state=SourceState.UNSEEN)
            report = held.get(source.name, unseen)
            state = state_now(report, source.every, now)
            open_count = len((await self._incidents.read(source.provider)).open_incidents)
            reports.append(replace(report, state=state, open_incidents=open_count))
        return tuple(reports)
