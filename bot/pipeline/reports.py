"""How well we see, for whoever asks: `status`, the page, the metrics. The facts come from `watch`, by way of the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.domain.incident import Incident
from bot.domain.trust import SourceReport, SourceState, doubts_about, state_now
from bot.pipeline.board import report_of
from bot.pipeline.watch import Watch
from bot.ports import Clock, Incidents
from bot.store.desk import Shelf


class Reports:
    """ports.Sources: one report for each source that `watches` gives."""

    def __init__(
        self,
        watches: Callable[[], tuple[Watch, ...]],
        shelf: Shelf[SourceReport],
        incidents: Incidents,
        clock: Clock,
    ) -> None:
        self._watches = watches
        self._shelf = shelf
        self._incidents = incidents
        self._clock = clock

    async def lines(self) -> tuple[SourceReport, ...]:
        """The reports as of now: one that nobody refreshed grows old, whatever it said when it was written."""
        held = await self._shelf.all()
        ledgers: dict[str, tuple[Incident, ...]] = {}
        reports = []
        for watch in self._watches():
            provider = watch.source.provider
            if provider not in ledgers:
                ledgers[provider] = (await self._incidents.read(provider)).open_incidents
            reports.append(self._line(watch, held.get(watch.source.name), ledgers[provider]))
        return tuple(reports)

    def reader_of(self, url: str) -> str | None:
        """The name of the source that reads this address, or None."""
        return next((watch.source.name for watch in self._watches() if watch.source.url == url), None)

    def _line(
        self, watch: Watch, held: SourceReport | None, open_incidents: tuple[Incident, ...]
    ) -> SourceReport:
        now = self._clock.now()
        known = [r for r in (held, report_of(watch) if watch.has_looked else None) if r is not None]
        report = max(known, key=_seen_last, default=watch.report)
        return replace(
            report,
            state=state_now(report, report.every, now),
            doubts=(*report.doubts, *doubts_about(watch.source.name, open_incidents, now)),
            open_incidents=len(open_incidents),
        )


def _seen_last(report: SourceReport) -> tuple[bool, float]:
    """Another worker may know more than we do, and we know more than what was written seconds ago."""
    at = max((t for t in (report.last_good_at, report.failing_since) if t), default=None)
    return (report.state is not SourceState.UNSEEN, at.timestamp() if at else 0.0)
