"""Looking at one source: fetch, parse, ingest, and only then remember what was seen. When to look is in `pool`.

A look that fails changes nothing but the report on the source: silence of a feed that we cannot see is never good news. What
left an open-only list is over only when the provider's own history says so, or when a second look misses it too: stale copies
and a front end in the failing region have both shown empty lists for hours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from prometheus_client import Counter

from bot import telemetry
from bot.domain.incident import Ledger
from bot.domain.observation import Listing, Observation, Sighting
from bot.domain.trust import Doubt, SourceReport, SourceState, Trouble, state_now
from bot.errors import Conflict, Emptied, FetchError, ParseError, SourceError
from bot.net import shown
from bot.pipeline.ingest import Ingest
from bot.pipeline.quarantine import Quarantine
from bot.ports import Clock
from bot.sources import FORMATS, detect
from bot.sources.fetching.fetch import Fetched, Fetcher, Marks
from bot.sources.payload import Format, Payload, SourceSpec, Spec
from bot.store.desk import Shelf
from bot.telemetry import Event, log

T = TypeVar("T")

THREAD_ABOVE_BYTES = 32 * 1024  # larger bodies are parsed beside the loop
BODY_MAX_BYTES = 8 * 1024 * 1024  # while the format is not known yet
EMPTIED_FROM = 5  # a window that held so many and now holds none is broken, not healthy
EMPTIED_FOR = timedelta(hours=24)  # and then believed at last
_NOTHING = float("nan")  # what metrics say of sources that others look at
_PARSING = ThreadPoolExecutor(
    max_workers=2, thread_name_prefix="parse"
)  # more would only fight for the loop's turn

Offered = Callable[[SourceSpec, Payload], Awaitable[None]]
"""Is told of each body that was taken in: it may name a hub that pushes."""


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
    """One source, and what is remembered of it between looks; `report` is what others are told of it.

    `is_pending` asks for another look soon. `recall` when somebody else may have looked meanwhile.
    """

    def __init__(
        self,
        source: SourceSpec,
        fetcher: Fetcher,
        ingest: Ingest,
        clock: Clock,
        marks: Shelf[Marks],
        *,
        quarantine: Quarantine | None = None,
        offered: Offered | None = None,
    ) -> None:
        self.source = source
        self.report = SourceReport(
            provider=source.provider, name=source.name, state=SourceState.UNSEEN, every=source.every
        )
        self.has_looked = False
        self.is_pending = False
        self._fetcher = fetcher
        self._ingest = ingest
        self._clock = clock
        self._shelf = marks
        self._marks: Marks | None = None
        self._quarantine = quarantine or Quarantine(None)
        self._offered = offered
        self._form = FORMATS[source.format] if source.format else None
        self._missed: frozenset[str] = frozenset()  # what was open, and the last look did not find
        self._counters: dict[str, Counter] = {}
        telemetry.SOURCE_AGE.labels(source.name).set_function(self._age)
        telemetry.SOURCE_BLIND.labels(source.name).set_function(self._blindness)

    @property
    def moved_to(self) -> str | None:
        """Where permanent redirects lead, fit to be shown, or None."""
        return shown(self._marks.moved_to) if self._marks and self._marks.moved_to else None

    @property
    def is_recalled(self) -> bool:
        """True once it knows what earlier lives knew."""
        return self._marks is not None

    @property
    def form(self) -> Format | None:
        """The format, once it is configured or found out."""
        return self._form

    def recall(self, report: SourceReport | None, marks: Marks | None) -> None:
        """What an earlier life of this or another worker knew, in place of what we knew."""
        if report is not None:
            # What spoke against the last look, the next one finds again, if it is still so.
            self.report = replace(report, every=self.source.every, provider=self.source.provider, doubts=())
        self._marks = marks or Marks()
        self._missed, self.has_looked, self.is_pending = frozenset(), False, False

    def rest(self) -> None:
        """Somebody else looks at it from now on."""
        self.has_looked = False

    def promise(self, every: timedelta) -> None:
        """It is looked at that often from now on: who waits for longer than it was told to has lost sight of it."""
        every = max(every, self.source.every)
        if self.report.every != every:
            self.report = replace(self.report, every=every)

    async def look(self) -> float:
        """One turn; gives how many seconds the server asked us to stay away, mostly 0. Raises StoreError."""
        now = self._clock.now()
        outcome, asked = "unchanged", 0.0
        try:
            if self._marks is None:
                self._marks = await self._shelf.get(self.source.name) or Marks()
            cap = self._form.body_max_bytes if self._form else BODY_MAX_BYTES
            fetched = await self._fetcher.fetch(self._capped(cap), self._marks, now)
            if fetched is None:
                self._unchanged()
            else:
                outcome = await self._take(fetched)
            self._seen(now)
        except SourceError as exc:
            outcome = "unreadable" if isinstance(exc, ParseError) else "unreachable"
            self._lost(exc, now)
            after = exc.retry_after if isinstance(exc, FetchError) else None
            asked = after.total_seconds() if after else 0.0
        self.has_looked = True
        self._count(outcome)
        return asked

    def _unchanged(self) -> None:
        """The body that was committed, which was whole, is still there, or is back."""
        self._missed, self.is_pending = frozenset(), False
        if self.report.doubts:
            self.report = replace(self.report, doubts=())

    async def pushed(self, payload: Payload) -> int:
        """Take in a body that the provider sent by itself; gives how many observations it held.

        It proves no absence. Raises ParseError and StoreError.
        """
        form = detect(payload)
        if form is None:
            raise ParseError(f"{self.source.name}: the body is of no format that Fogbell knows")
        seen, _ = await _beside_the_loop(payload, lambda: sighting_of(payload, self.source, form))
        await self._ingest.sighting(replace(seen, listing=Listing.PART))
        self.report = replace(self.report, pushed_at=payload.fetched_at)
        return len(seen.observations)

    def _capped(self, cap: int) -> SourceSpec:
        if self.source.body_max_bytes != cap:
            self.source = replace(self.source, body_max_bytes=cap)
        return self.source

    async def _take(self, fetched: Fetched) -> str:
        payload = fetched.payload
        try:
            seen, problem = await _beside_the_loop(payload, lambda: self._read(payload))
            self._refuse_emptied(seen)
        except ParseError:
            await self._quarantine.keep(self.source.name, payload)
            raise
        seen = await self._told(seen)
        self.report = replace(
            self.report,
            listed=len(seen.observations),
            changed_at=payload.fetched_at,
            doubts=() if problem is None else ((Doubt.PARTLY_READ, str(problem)[:300]),),
        )
        if problem is not None:  # asked for whole again: it may have been cut on its way
            await self._quarantine.keep(self.source.name, payload)
            return "partly read"
        missing = sum(1 for said in seen.observations for update in said.updates if not update.text)
        telemetry.TEXTS_MISSING.labels(self.source.name).set(missing)
        if self.is_pending:
            return "unconfirmed"
        if self._offered is not None:
            await self._offered(self.source, payload)
        await self._keep(fetched)
        return "changed"

    async def _told(self, seen: Sighting) -> Sighting:
        """The sighting as it was decided on. The ledger that we remember is the newest, mostly."""
        remembered, missed = self._ingest.remembered(self.source.provider), self._missed
        if remembered is not None:
            with suppress(Conflict):
                return await self._decided(seen, remembered)
            self._missed = missed  # it is one look, however often it is decided on
        return await self._decided(seen, None)

    async def _decided(self, seen: Sighting, ledger: Ledger | None) -> Sighting:
        known = ledger or await self._ingest.read(self.source.provider)
        gone = self._open_keys(known) - {said.key for said in seen.observations}
        seen = await self._confirmed(seen, gone)
        await self._ingest.sighting(seen, None if gone else ledger)  # asking elsewhere takes time
        return seen

    async def _keep(self, fetched: Fetched) -> None:
        """Only now: what is not committed was not seen."""
        await self._shelf.put(self.source.name, fetched.marks)
        if fetched.moved_to:
            log().warning(Event.SOURCE_MOVED, source=self.source.name, to=fetched.moved_to)
        self._marks = fetched.marks

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

    def _refuse_emptied(self, seen: Sighting) -> None:
        """A list of open and closed events does not become empty from one look to the next."""
        was_full = self.report.listed >= EMPTIED_FROM and seen.listing is Listing.WINDOW
        since = self.report.failing_since if self.report.trouble is Trouble.EMPTIED else None
        if was_full and not seen.observations and (since is None or seen.seen_at - since < EMPTIED_FOR):
            raise Emptied(
                f"{self.source.name} lists nothing, where it listed {self.report.listed} before; believed after a day"
            )

    def _open_keys(self, ledger: Ledger) -> frozenset[str]:
        """The keys of what this source last called open."""
        claims = (claim for incident in ledger.open_incidents for claim in incident.claims)
        return frozenset(c.said.key for c in claims if c.source == self.source.name and not c.is_over)

    async def _confirmed(self, seen: Sighting, missing: frozenset[str]) -> Sighting:
        """The sighting with what the provider's history says of events that left it; PART while one is missed but once."""
        self.is_pending = False
        if not missing or seen.listing is Listing.PART:
            self._missed = frozenset()
            return seen
        told = await self._history(missing)
        missing -= {said.key for said in told}
        is_new = not missing <= self._missed
        self._missed = missing
        # A history that calls it open is asked again: kept marks would make this body the last one that asks.
        self.is_pending = is_new or any(not said.is_over for said in told)
        if self.is_pending:
            log().info(Event.SOURCE_UNCONFIRMED, source=self.source.name, missing=len(missing))
        listing = Listing.PART if is_new else seen.listing
        return replace(seen, observations=(*seen.observations, *told), listing=listing)

    async def _history(self, missing: frozenset[str]) -> tuple[Observation, ...]:
        """What the provider's list of closed events says of these; nothing where there is none, or it cannot be had."""
        form = self._form
        url = form.confirm_url(self.source.url) if form and form.confirm_url else None
        if url is None or form is None:
            return ()
        spec = replace(self.source, url=url, body_max_bytes=BODY_MAX_BYTES)
        try:
            fetched = await self._fetcher.fetch(spec, Marks(), self._clock.now())
            if fetched is None:
                return ()
            payload = fetched.payload
            # Instatus keeps its history as Atom.
            teller = form if form.recognises(payload) else detect(payload) or form
            seen, _ = await _beside_the_loop(payload, lambda: sighting_of(payload, spec, teller))
        except SourceError:
            return ()
        return tuple(said for said in seen.observations if said.key in missing)

    def _seen(self, now: datetime) -> None:
        if self.report.trouble is not None:
            log().info(Event.SOURCE_BACK, source=self.source.name)
        self.report = replace(
            self.report,
            state=SourceState.FRESH,
            last_good_at=now,
            failing_since=None,
            trouble=None,
            reason="",
        )

    def _lost(self, error: SourceError, now: datetime) -> None:
        """Say it once, not at every turn."""
        trouble, old = _trouble(error), self.report
        if old.trouble is None:
            event = Event.SOURCE_LOST if trouble is Trouble.UNREACHABLE else Event.SOURCE_BROKEN
            log().warning(event, source=self.source.name, reason=str(error))
        report = replace(
            old,
            trouble=trouble,
            reason=_reason(error, now),
            # A clock that was set back left them in the future, where nothing grows old.
            failing_since=min(old.failing_since or now, now),
            last_good_at=min(old.last_good_at, now) if old.last_good_at else None,
        )
        self.report = replace(report, state=state_now(report, report.every, now))

    def _count(self, outcome: str) -> None:
        counter = self._counters.get(outcome)
        if counter is None:  # looking a label up costs more than counting
            counter = self._counters[outcome] = telemetry.POLLS.labels(self.source.name, outcome)
        counter.inc()

    def _age(self) -> float:
        last = self.report.last_good_at
        return (self._clock.now() - last).total_seconds() if last and self.has_looked else _NOTHING

    def _blindness(self) -> float:
        """Asked for at each scrape: who is asked to stay away, or hangs, brings no report that could say so."""
        state = state_now(self.report, self.report.every, self._clock.now())
        return float(state.is_blind) if self.has_looked else _NOTHING


def _reason(error: SourceError, now: datetime) -> str:
    after = error.retry_after if isinstance(error, FetchError) else None
    away = f"; it asked us to stay away until {now + after:%H:%M} UTC" if after else ""
    return str(error)[:300] + away


def _trouble(error: SourceError) -> Trouble:
    if isinstance(error, Emptied):
        return Trouble.EMPTIED
    return Trouble.UNREADABLE if isinstance(error, ParseError) else Trouble.UNREACHABLE


async def _beside_the_loop(payload: Payload, read: Callable[[], T]) -> T:
    """Run `read`, beside the loop where it may take long: a large body, or one that feedparser may have to read."""
    is_xml = payload.body.lstrip()[:1] == b"<"
    if len(payload.body) <= THREAD_ABOVE_BYTES and not is_xml:
        return read()
    return await asyncio.get_running_loop().run_in_executor(_PARSING, read)
