"""Finds the feed of a status page by its address: known pages, what the page says of itself, then the usual places in order.

One request at a time, with a pause between them, and few in all. Used by `fogbell providers detect` and `monitor add`; what
is known of pages' makers is in `platforms`, whether a body is of a format of ours says `bot.sources.detect`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

from bot import net
from bot.errors import FetchError, ParseError
from bot.sources import FORMATS, catalogue, detect
from bot.sources.catalogue import CatalogueEntry
from bot.sources.fetching.auth import Auth
from bot.sources.fetching.fetch import Fetched, Marks
from bot.sources.finding import platforms
from bot.sources.finding.platforms import Candidate
from bot.sources.payload import Format, Payload, SourceSpec, Spec
from bot.sources.reading.text import decode

WITHIN_S = 14.0  # for all of it: a chat's command has 20 s
ASKED_MAX = 18
PAUSE_S = 0.1
BODY_MAX_BYTES = 8 * 1024 * 1024

Sleep = Callable[[float], Awaitable[None]]
_ANSWERED = re.compile(r" answered \d{3}\b")
_PRIVATE = re.compile(r" answered (401|403)\b")
_PLAIN_LABELS = frozenset({"www", "status", "api", "health", "uptime"})
_SECOND_LEVELS = frozenset({"co", "com", "org", "net", "ac", "gov"})
_PAGE_HOSTS = frozenset({"statuspage", "instatus", "betteruptime", "statuspal", "hund", "freshstatus"})
_SHOWN_MAX = 5


class Fetches(Protocol):
    """What detection needs of `bot.sources.fetching.fetch.Fetcher`."""

    async def fetch(self, spec: SourceSpec, marks: Marks, now: datetime) -> Fetched | None:
        """The body at `spec.url`. Raises FetchError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The feed of a page. `why` says step by step what it was found by, `lost` what its format cannot tell.

    `provider` is a short name for its owner: the catalogue's, where it knows the page.
    """

    format: str
    feed_url: str
    title: str
    why: tuple[str, ...]
    lost: str
    provider: str
    every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How pages may be asked: `is_trusted` ones may be inside our own network, `auth` opens those of the given host."""

    is_trusted: bool = False
    auth: Auth | None = None


async def detect_page(
    url: str,
    fetcher: Fetches,
    now: datetime,
    *,
    access: Access = Access(),
    sleep: Sleep = asyncio.sleep,
    within_s: float = WITHIN_S,
) -> Found:
    """The feed of the page, or feed, at `url` ("https://" may be left out).

    Raises FetchError when the page cannot be had, ParseError when nothing there is of a format that we read.
    """
    search = _Search(_checked(address(url)), fetcher, now, access, sleep)
    try:
        async with asyncio.timeout(within_s):
            return await search.run()
    except TimeoutError as exc:
        raise FetchError(
            f"{net.shown(search.url)}: no feed was found within {within_s:g} s. {search.tried}"
        ) from exc


def address(url: str) -> str:
    """The address as it is asked: with a scheme, which is https where none is given, and without a fragment."""
    text = url.strip()
    return (text if "://" in text else f"https://{text}").partition("#")[0]


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise FetchError(f"{net.shown(url)} is not a web address: write https://status.acme.example")
    return url


def provider_of(url: str) -> str:
    """A short name for whoever owns the page: "acme" for https://status.acme.example and for acme.statuspage.io."""
    host = re.sub(r"[^a-z0-9.-]+", "-", urlsplit(url).hostname or "").strip(".-") or "unknown"
    labels = host.split(".")
    if len(labels) < 2 or labels[-1].isdigit():
        return host
    ends_twice = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS
    telling = [label for label in labels[: -2 if ends_twice else -1] if label not in _PLAIN_LABELS]
    if not telling:
        return host
    label = telling[0] if telling[-1] in _PAGE_HOSTS else telling[-1]
    return re.sub(r"^status-?|-?status(page)?$", "", label)[:40] or host


@dataclass(slots=True)
class _Search:
    """One search: what was asked already, and why what was found is believed."""

    url: str
    fetcher: Fetches
    now: datetime
    access: Access
    sleep: Sleep
    why: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    page: str = ""
    refusal: str = ""

    @property
    def tried(self) -> str:
        """What was asked, for people."""
        first = ", ".join(net.shown(url) for url in self.asked[:_SHOWN_MAX])
        more = len(self.asked) - _SHOWN_MAX
        return f"Asked: {first}" + (f" and {more} more" if more > 0 else "")

    async def run(self) -> Found:
        """Known first, then what the address names, then the page itself and what it leads to."""
        known = catalogue.at(self.url)
        if known is not None and (found := await self._of_catalogue(known[0])):
            return found
        for candidate in platforms.of_address(self.url):
            if found := await self._of(candidate):
                return found
        payload = await self._page()
        if payload is not None and (found := await self._believed(payload, Candidate(url=self.url, why=""))):
            return found
        return await self._of_page(payload)

    async def _of_catalogue(self, entry: CatalogueEntry) -> Found | None:
        self.why.append(f"the catalogue knows this address as {entry.title}")
        for feed in entry.feeds[:1]:
            if found := await self._of(Candidate(url=feed.url, why="", format=feed.format)):
                return found
            self.why.append(f"{net.shown(feed.url)}, which it names, is not a feed that can be read now")
        return None

    async def _page(self) -> Payload | None:
        try:
            return await self._fetched(self.url)
        except FetchError as exc:
            # An error page at "/" says nothing about the feeds; a host that is not there says all.
            if not _ANSWERED.search(str(exc)):
                raise
            self.refusal = str(exc)
            return None

    async def _of_page(self, payload: Payload | None) -> Found:
        """Where the page leads, after redirects; its own words come first."""
        base = (payload.url or self.url) if payload else self.url
        if payload is not None and urlsplit(base).hostname != urlsplit(self.url).hostname:
            self.why.append(f"the page has moved to {net.shown(base)}")
        self.page = decode(payload)[: platforms.PAGE_MAX_CHARS] if payload else ""
        for candidate in platforms.candidates(base, self.page):
            if len(self.asked) >= ASKED_MAX:
                break
            if found := await self._of(candidate):
                return found
        raise FetchError(self._refused()) if self.refusal else ParseError(self._nothing())

    async def _of(self, candidate: Candidate) -> Found | None:
        if candidate.url in self.asked:
            return None
        try:
            payload = await self._fetched(candidate.url)
        except FetchError as exc:
            if exc.retry_after is not None:
                raise FetchError(f"{exc}, and asks for patience: try again later") from exc
            return None
        return await self._believed(payload, candidate)

    async def _fetched(self, url: str) -> Payload:
        if self.asked:
            await self.sleep(PAUSE_S)
        self.asked.append(url)
        fetched = await self.fetcher.fetch(self._spec(url), Marks(), self.now)
        if fetched is None:
            raise FetchError(f"{net.shown(url)} answered that nothing changed, without being asked")
        return fetched.payload

    def _spec(self, url: str) -> SourceSpec:
        host = urlsplit(url).hostname or ""
        is_own = (
            urlsplit(self.url).netloc == urlsplit(url).netloc
        )  # a secret stays with the host that it is for
        return SourceSpec(
            name=host,
            provider=provider_of(url),
            url=url,
            is_from_people=not self.access.is_trusted,
            allow_private=self.access.is_trusted,
            auth=self.access.auth if is_own else None,
            body_max_bytes=BODY_MAX_BYTES,
        )

    async def _believed(self, payload: Payload, candidate: Candidate) -> Found | None:
        """The feed, when the body is of a format of ours, and can be read by it."""
        read = await asyncio.to_thread(read_as, payload, candidate.format, provider_of(self.url))
        if read is None:
            return None
        form, count = read
        if candidate.why and candidate.why not in {"a usual place", *self.why}:
            self.why.append(candidate.why)
        things = "incident or maintenance" if count == 1 else "incidents and maintenances"
        self.why.append(f"{net.shown(candidate.url)} is {form.name}, with {count} {things} in it")
        return self._found(form, candidate.url)

    def _found(self, form: Format, url: str) -> Found:
        known = catalogue.at(self.url) or catalogue.at(url)
        entry = known[0] if known else None
        provider = entry.name if entry else provider_of(self.url)
        feed = entry.feed(form.name) if entry else None
        return Found(
            format=form.name,
            feed_url=url,
            title=entry.title if entry else platforms.title_of(self.page) or provider.capitalize(),
            why=tuple(self.why),
            lost=form.about.lost if form.about else "",
            provider=provider,
            every=feed.every if feed else catalogue.pace_of(form.name),
        )

    def _refused(self) -> str:
        is_private = _PRIVATE.search(self.refusal)
        how = "`fogbell providers detect URL --header NAME=VARIABLE`, and a [[source]] with [source.auth]"
        hint = f" It asks who you are: {how}." if is_private else ""
        return f"{self.refusal}, and no feed was found beside it.{hint} {self.tried}"

    def _nothing(self) -> str:
        seen = [platform.name for platform in platforms.named_by(self.page)]
        made = f" The page names {' and '.join(seen[:2])}." if seen else ""
        return (
            f"{net.shown(self.url)}: nothing there is of a format that Fogbell reads.{made} If it has a feed"
            f" (RSS, Atom or JSON), give the feed's own address. {self.tried}"
        )


def read_as(payload: Payload, expected: str | None, provider: str) -> tuple[Format, int] | None:
    """The format that a body is of, and how many events it lists; None when it cannot be read.

    Where the address tells the format, a body that it reads without complaint is believed: healthy ones may hold no mark.
    """
    for form in _forms(payload, expected):
        try:
            return form, len(form.parse(payload, Spec(provider=provider)))
        except ParseError as exc:
            if exc.partial:
                return form, len(exc.partial)
    return None


def _forms(payload: Payload, expected: str | None) -> Iterator[Format]:
    if form := detect(payload):
        yield form
    elif expected in FORMATS and payload.body.lstrip()[:1] != b"<":
        yield FORMATS[expected]
