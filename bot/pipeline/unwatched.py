"""Which sources nobody looks at any more, though what they said is still open: `sweep` asks, ledger by ledger.

A source that was taken out of the configuration, or removed by a command, never says "over". But during a rolling change of the
configuration two workers know different sources, and neither may end what the other one watches.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta

from bot.domain.checks import CheckState
from bot.domain.incident import Ledger
from bot.domain.observation import WATCHER
from bot.domain.trust import SourceReport
from bot.ports import Leases
from bot.sources.fetching.fetch import Marks
from bot.store.desk import Shelf
from bot.telemetry import Event, log

MISSED_FOR = timedelta(days=1)  # so long no worker saw it: longer than any change of configuration takes
MISSED_FOR_ALONE = timedelta(
    minutes=10
)  # who has the store for itself: a source with a new name has spoken by then
CHECK = "check:"  # begins the name of the source that a check of ours is, and of the lease of whoever runs it
CHECK_LEASE = timedelta(seconds=30)


class Unwatched:
    """`known` gives (provider, source) of all that this worker was told to look at. `missed_for` is how long a source that is
    unknown must not have been seen by anybody: MISSED_FOR_ALONE for a worker that is alone with its store.

    What is remembered of such a source is dropped, so that it is read anew should it come back.
    """

    def __init__(
        self,
        known: Callable[[], Awaitable[Collection[tuple[str, str]]]],
        reports: Shelf[SourceReport],
        marks: Shelf[Marks],
        checks: Shelf[CheckState],
        leases: Leases,
        missed_for: timedelta = MISSED_FOR,
    ) -> None:
        self._known = known
        self._reports = reports
        self._marks = marks
        self._checks = checks
        self._leases = leases
        self._missed_for = missed_for

    async def of(self, ledger: Ledger, now: datetime) -> frozenset[str]:
        """Those that keep something open in this ledger; of what Fogbell says about itself none. Raises StoreError."""
        spoke = _spoke(ledger)
        if ledger.provider == WATCHER or not spoke:
            return frozenset()
        known = await self._known()
        strange = spoke.keys() - {source for provider, source in known if provider == ledger.provider}
        seen = {source: await self._seen(ledger.provider, source, spoke[source]) for source in strange}
        missed = [source for source, at in seen.items() if now - at >= self._missed_for]
        found = frozenset([source for source in missed if not await self._is_run(source)])
        for source in found:
            log().warning(Event.SOURCE_UNWATCHED, source=source, provider=ledger.provider)
        for source in found - {name for _, name in known}:  # else it only moved to another provider
            await self._forget(source)
        return found

    async def _is_run(self, source: str) -> bool:
        """True for a check that another worker runs: it holds the lease by the source's name, and nobody else can get it."""
        return source.startswith(CHECK) and not await self._leases.hold(source, CHECK_LEASE)

    async def _forget(self, source: str) -> None:
        if source.startswith(CHECK):
            await self._checks.drop(source.removeprefix(CHECK))
        else:
            await self._marks.drop(source)
            await self._reports.drop(source)

    async def _seen(self, provider: str, source: str, spoke_at: datetime) -> datetime:
        """When somebody last saw it as a source of this provider's."""
        report = await self._reports.get(source)
        if report is None or report.provider != provider:
            return spoke_at
        return max(spoke_at, report.last_good_at or spoke_at, report.failing_since or spoke_at)


def _spoke(ledger: Ledger) -> dict[str, datetime]:
    """The sources that say that something is going on, and when what they say last changed."""
    spoke: dict[str, datetime] = {}
    for incident in ledger.open_incidents:
        for claim in incident.claims:
            if not claim.is_over:
                spoke[claim.source] = max(claim.seen_at, spoke.get(claim.source, claim.seen_at))
    return spoke
