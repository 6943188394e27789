"""Looks at what waits in the outbox: for the metrics, and to tell operators of a chat that refuses us.

What to say is in `domain.refusals`. Every worker measures; one of them speaks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from bot import telemetry
from bot.domain.observation import WATCHER, Listing, Sighting
from bot.domain.refusals import SOURCE, about, heard_elsewhere, observations, refusing
from bot.domain.standing import Entry, State
from bot.pipeline.backlog import Backlog
from bot.pipeline.ingest import Ingest
from bot.pipeline.outbox import Delivered
from bot.pipeline.wake import Wake
from bot.ports import Clock, Incidents, Leases

EVERY_SECONDS = 15.0
FRESH_FOR = timedelta(hours=1)  # what was said longer before we first saw the incident was old news
SPEAKER = timedelta(seconds=60)  # who spoke last speaks on for so long


class Upkeep:
    """One look after the other. `ingest` is the worker's own: its rules hold here too.

    `usable` says of each chat whether it can be relied on.
    """

    def __init__(
        self,
        backlog: Backlog,
        incidents: Incidents,
        ingest: Ingest,
        clock: Clock,
        leases: Leases,
        changed: Wake,
        *,
        usable: Callable[[], Mapping[str, bool]] = dict,
    ) -> None:
        self._backlog = backlog
        self._incidents = incidents
        self._ingest = ingest
        self._clock = clock
        self._leases = leases
        self._changed = changed
        self._usable = usable

    async def run(self) -> None:
        """Look until cancelled, in real time: it is read by people and by their Prometheus."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY_SECONDS)

    async def once(self) -> None:
        """One look. Raises StoreError."""
        entries = await self._backlog.entries()
        measure(entries, self._clock.now())
        for chat, is_usable in self._usable().items():
            telemetry.CHAT_LEFT.labels(chat).set(int(not is_usable))
        if await self._leases.hold("upkeep", SPEAKER):
            await self._tell(entries)

    async def _tell(self, entries: Sequence[Entry]) -> None:
        ledger = await self._incidents.read(WATCHER)
        held = [incident for incident in ledger.open_incidents if about(incident)]
        if not held and not any(entry.state is State.PARKED for entry in entries):
            return
        now, rules = self._clock.now(), self._ingest.rules
        broken = refusing(entries, held, rules)
        ingest = Ingest(
            self._incidents, heard_elsewhere(rules, broken, self._ingest.usable()), self._clock, self._changed
        )
        ingest.usable = self._ingest.usable
        said = observations(entries, held, now)
        seen = Sighting(provider=WATCHER, source=SOURCE, seen_at=now, observations=said, listing=Listing.PART)
        await ingest.sighting(seen)


def measure(entries: Sequence[Entry], now: datetime) -> None:
    """Set the numbers of the outbox."""
    late = [entry for entry in entries if entry.state.is_late]
    oldest = max((now - entry.since for entry in late), default=timedelta())
    telemetry.OUTBOX_DUE.set(len(late))
    telemetry.OUTBOX_OLDEST.set(max(0.0, oldest.total_seconds()))
    telemetry.OUTBOX_PARKED.set(sum(entry.state is State.PARKED for entry in entries))
    telemetry.OUTBOX_HELD.set(sum(entry.state in {State.HELD, State.PUT_ASIDE} for entry in entries))


def timed(delivered: Delivered) -> None:
    """Note how long it took from the provider's own word to the chat's receipt; not for what was old when we first looked,
    or was held back."""
    if delivered.talk.held is not None:
        return  # it was asked to wait
    carried = set(delivered.step.updates)
    said = [u.posted_at for u in delivered.incident.updates if u.id in carried and u.posted_at]
    is_news = [at for at in said if at >= delivered.incident.opened_at - FRESH_FOR]
    if is_news:
        delay = (delivered.at - max(is_news)).total_seconds()
        telemetry.POST_TO_RECEIPT.labels(delivered.talk.chat).observe(max(0.0, delay))
