"""Looking at sources: one loop for each, fetch, parse, ingest, and only then remember what was seen.

A look that fails changes nothing but the report on the source: silence of a feed that we cannot see is never good news.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from dataclasses import replace
from datetime import datetime, timedelta

from bot import telemetry
from bot.domain.observation import Listing, Observation, Sighting
from bot.domain.trust import SourceReport, SourceState, state_now
from bot.errors import FetchError, ParseError, SourceError
from bot.pipeline.ingest import Ingest
from bot.ports import Clock, Leases
from bot.sources import FORMATS, detect
from bot.sources.fetch import Fetched, Fetcher, Marks
from bot.sources.payload import Format, Payload, SourceSpec, Spec
from bot.store.desk import Shelf
from bot.telemetry import Event, log

THREAD_ABOVE_BYTES = 32 * 1024  # larger bodies are parsed beside the loop
BODY_MAX_BYTES = 8 * 1024 * 1024  # while the format is not known yet
JITTER = 0.1


def sighting_of(payload: Payload, source: SourceSpec, form: Format) -> tuple[Sighting, ParseError | None]:
    """What a body says, and what was wrong with it.

    Raises ParseError when nothing of it can be used: a body that is cut, or empty where its format never is, closes nothing.
    """
    spec = Spec(provider=source.provider, regions=source.regions, components=source.components)
    observations: tuple[Observation, ...]
    try:
        observations, problem = form.parse(payload, spec), None
    except ParseError as exc:
        observations, problem = tuple(o for o in exc.partial if isinstance(o, Observation)), exc
        if not observations:
            raise
    if not observations and not form.may_be_empty:
        raise ParseError(f"{form.name}: the body is valid and lists nothing, which this format never does")
    # A body that could be read only in part proves no absence.
    listing = form.listed(payload) if problem is None else Listing.PART
    seen = Sighting(
        provider=source.provider,
        source=source.name,
        seen_at=payload.fetched_at,
        observations=observations,
        listing=listing,
    )
    return seen, problem


class Watch:
    """One source's loop."""

    def __init__(
        self,
        source: SourceSpec,
        fetcher: Fetcher,
        ingest: Ingest,
        clock: Clock,
        leases: Leases,
        marks: Shelf[Marks],
        reports: Shelf[SourceReport],
        *,
        spread_seconds: float = 0.0,
    ) -> None:
        self.source = source
        self._fetcher = fetcher
        self._ingest = ingest
        self._clock = clock
        self._leases = leases
        self._marks = marks
        self._reports = reports
        self._spread_seconds = spread_seconds
        self._form = FORMATS[source.format] if source.format else None
        self._is_lost = False
        self._report = SourceReport(provider=source.provider, name=source.name, state=SourceState.UNSEEN)

    async def run(self) -> None:
        """Look, at the source's pace, until cancelled. First turns are spread by name: sources do not all start at once."""
        self._report = await self._reports.get(self.source.name) or self._report
        every = self.source.every.total_seconds()
        await self._clock.sleep(_phase(self.source.name) * min(every, self._spread_seconds))
        while True:
            wait = every * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - jitter, not a secret
            if await self._leases.hold(f"source:{self.source.name}", _lease(self.source.every)):
                wait = max(wait, await self.look())
            await self._clock.sleep(wait)

    async def look(self) -> float:
        """One turn; gives how many seconds the server asked us to stay away, mostly 0."""
        now = self._clock.now()
        outcome, asked = "unchanged", 0.0
        try:
            marks = await self._marks.get(self.source.name) or Marks()
            cap = self._form.body_max_bytes if self._form else BODY_MAX_BYTES
            fetched = await self._fetcher.fetch(replace(self.source, body_max_bytes=cap), marks, now)
            if fetched is not None:
                outcome = await self._take(fetched)
            await self._seen(now)
        except SourceError as exc:
            outcome = "unreadable" if isinstance(exc, ParseError) else "unreachable"
            await self._lost(exc, now)
            after = exc.retry_after if isinstance(exc, FetchError) else None
            asked = after.total_seconds() if after else 0.0
        telemetry.POLLS.labels(self.source.name, outcome).inc()
        return asked

    async def _take(self, fetched: Fetched) -> str:
        if len(fetched.payload.body) > THREAD_ABOVE_BYTES:
            seen, problem = await asyncio.to_thread(self._read, fetched.payload)
        else:
            seen, problem = self._read(fetched.payload)
        await self._ingest.sighting(seen)
        if problem is not None:
            raise problem
        await self._marks.put(self.source.name, fetched.marks)  # only now: what is not committed was not seen
        return "changed"

    def _read(self, payload: Payload) -> tuple[Sighting, ParseError | None]:
        """What a body says. Its format, where it is not configured, is that of the first body that made sense."""
        form = self._form or detect(payload)
        if form is None:
            raise ParseError(
                f"{self.source.name}: the body is of no format that Fogbell knows; name the feed, not the page"
            )
        found = sighting_of(payload, self.source, form)
        self._form = form
        return found

    async def _seen(self, now: datetime) -> None:
        telemetry.SOURCE_AGE.labels(self.source.name).set(0)
        if self._is_lost:
            log().info(Event.SOURCE_BACK, source=self.source.name)
            self._is_lost = False
        self._report = replace(self._report, state=SourceState.FRESH, last_good_at=now)
        await self._reports.put(self.source.name, self._report)

    async def _lost(self, error: SourceError, now: datetime) -> None:
        """Say it once, not at every turn."""
        last = self._report.last_good_at
        if last is not None:
            telemetry.SOURCE_AGE.labels(self.source.name).set((now - last).total_seconds())
        if not self._is_lost:
            event = Event.SOURCE_BROKEN if isinstance(error, ParseError) else Event.SOURCE_LOST
            log().warning(event, source=self.source.name, reason=str(error))
            self._is_lost = True
        state = state_now(self._report, self.source.every, now)
        self._report = replace(self._report, state=state)
        await self._reports.put(self.source.name, self._report)


def _phase(name: str) -> float:
    """A number from 0 to 1 that is always the same for a name."""
    return hashlib.sha256(name.encode()).digest()[0] / 256


def _lease(every: timedelta) -> timedelta:
    return max(every * 2, timedelta(seconds=30))
