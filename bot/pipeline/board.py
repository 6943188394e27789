"""What this worker knows of its sources, written to the store every few seconds in one call, for whoever asks anywhere.

Not at every look: a thousand sources would write thirty times a second what nobody reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from bot import telemetry
from bot.domain.incident import Incident
from bot.domain.trust import Doubt, SourceReport, doubts_about
from bot.errors import StoreError
from bot.pipeline.watch import Watch
from bot.ports import Clock
from bot.store.desk import Shelf

PIECE = 100


class Board:
    """The reports of the sources that this worker looks at. `watches` gives them."""

    def __init__(self, shelf: Shelf[SourceReport], clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock
        self._flushed: dict[str, SourceReport] = {}  # by identity: a report is replaced, never changed

    async def flush(
        self, watches: Iterable[Watch], open_of: Callable[[str], Iterable[Incident]] = lambda provider: ()
    ) -> None:
        """Write what changed since the last time. `open_of` gives a provider's open incidents. Raises StoreError.

        In pieces: thousands of reports at once would hold up the looks that are due meanwhile.
        """
        now = self._clock.now()
        changed = [
            watch
            for watch in watches
            if watch.has_looked and self._flushed.get(watch.source.name) is not watch.report
        ]
        for start in range(0, len(changed), PIECE):
            reports: dict[str, SourceReport] = {}
            for watch in changed[start : start + PIECE]:
                name = watch.source.name
                self._flushed[name] = watch.report
                reports[name] = report = report_of(watch)
                doubts = (*report.doubts, *doubts_about(name, open_of(report.provider), now))
                telemetry.SOURCE_DOUBTS.labels(name).set(len(doubts))
            try:
                await self._shelf.put_all(reports)
            except StoreError:
                self._flushed.clear()  # all is written again when the store is back
                raise


def report_of(watch: Watch) -> SourceReport:
    """The report on a source, with what the way to it says against it."""
    if watch.moved_to is None:
        return watch.report
    moved = (Doubt.MOVED, f"it moved for good to {watch.moved_to}; change the address")
    return replace(watch.report, doubts=(*watch.report.doubts, moved))
