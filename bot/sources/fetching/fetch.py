"""Fetching feeds: conditional requests, bounded in time and bytes, with every failure as one line of plain words.

The caller keeps `Marks` and stores the new ones only after what the body said is committed: marks stored earlier would turn one
lost commit into an update that is never seen again. Where a fetch goes is in `way`, how its answer is read in `answer`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

import aiohttp
from multidict import CIMultiDict

from bot import net
from bot.errors import FetchError
from bot.net.wishes import retry_after
from bot.sources.fetching import answer
from bot.sources.fetching.auth import Auth, Header, Microsoft
from bot.sources.fetching.tokens import Tokens
from bot.sources.fetching.way import Marks, Place, Way
from bot.sources.formats import m365
from bot.sources.formats.aws import health_api_client
from bot.sources.payload import Payload, SourceSpec

__all__ = ["Fetched", "Fetcher", "Marks"]

TOTAL_S = 15.0
REDIRECTS_MAX = 5
PAGES_MAX = 20
_PLACES_MAX = 20_000
_ACCEPT = "application/json, application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5"

Compose = Callable[[SourceSpec, datetime], Awaitable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A body that differs from the last committed one, and the marks to store once it is committed.

    `moved_to`, fit to be logged, is where the feed has moved for good, when that is news.
    """

    payload: Payload
    marks: Marks
    moved_to: str | None = None


class Fetcher:
    """Fetches sources over one session, and what people or redirects name over another, `guarded` by `guard`.

    `total_s` bounds a fetch with all its redirects, from its turn to the last byte. Without `guarded`, such a session is opened
    for one fetch at a time, asking DNS by `resolve`; without `turns`, requests go at once. `aws` composes the body of the AWS
    Health API, which is no web page.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        guarded: aiohttp.ClientSession | None = None,
        guard: net.Guard | None = None,
        resolve: net.Resolve = net.resolve,
        total_s: float = TOTAL_S,
        turns: net.Turns | None = None,
        aws: Compose | None = None,
    ) -> None:
        self._session = session
        self._guarded = guarded
        self._guard = guard or net.Guard()
        self._resolve = resolve
        self._total_s = total_s
        self._turns = turns
        self._aws = aws or health_api_client.HealthApi().body
        self._tokens = Tokens(session)
        self._places: dict[str, Place] = {}

    async def fetch(self, spec: SourceSpec, marks: Marks, now: datetime) -> Fetched | None:
        """The source's body, or None when it is the one that `marks` were taken from.

        Raises FetchError when it cannot be had, with the server's wish in `retry_after` where it gave one.
        """
        try:
            own = self._place(spec.url)
            marks = own.current(marks)
            start = own if marks.moved_to is None else self._place(marks.moved_to)
            if self._turns is not None:
                await self._turns.take(start.host)
            async with asyncio.timeout(self._total_s):
                return await self._look(Way(own, start, marks), spec, now)
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            is_late = type(exc) is TimeoutError
            why = (
                f"did not answer within {self._total_s:g} s"
                if is_late
                else f"could not be fetched: {net.in_words(exc)}"
            )
            raise answer.error(spec, why) from exc

    async def _look(self, way: Way, spec: SourceSpec, now: datetime) -> Fetched | None:
        if spec.format == health_api_client.NAME:
            with answer.named(spec):
                return _fresh(await self._aws(spec, now), way, now, {})
        try:
            return await self._walk(way, spec, now)
        except aiohttp.ClientConnectorError:
            if not way.give_up_move():
                raise
            return await self._walk(way, spec, now)
        finally:
            if way.opened is not None:
                await way.opened.close()

    async def _walk(self, way: Way, spec: SourceSpec, now: datetime) -> Fetched | None:
        for _ in range(REDIRECTS_MAX + 1):
            async with await self._open(way, spec, now) as response:
                if not self._leads_on(response, way, spec):
                    return await self._take(response, way, spec, now)
            if self._turns is not None:
                await self._turns.take(way.at.host)
        raise answer.error(spec, f"redirects more than {REDIRECTS_MAX} times")

    async def _open(self, way: Way, spec: SourceSpec, now: datetime) -> aiohttp.ClientResponse:
        headers = CIMultiDict(Accept=_ACCEPT)
        if way.asked.etag:
            headers["If-None-Match"] = way.asked.etag
        if way.asked.last_modified:
            headers["If-Modified-Since"] = way.asked.last_modified
        if spec.auth is not None and way.is_at_home:
            header = await self._header(spec.auth, spec, now)
            headers[header.name] = header.value
        if spec.is_from_people or (way.is_elsewhere and not spec.allow_private):
            return await self._open_guarded(way, spec, headers)
        return await self._session.get(way.at.url, headers=headers, allow_redirects=False, proxy=way.at.proxy)

    async def _open_guarded(
        self, way: Way, spec: SourceSpec, headers: CIMultiDict[str]
    ) -> aiohttp.ClientResponse:
        """Ask at an address that the operator did not choose, if that is public: only their own may be inside."""
        with answer.named(spec, "" if way.is_at_start else "redirected, but "):
            self._guard.check(way.at.url)
            if way.at.proxy is not None and not self._guard.by_proxy:
                raise FetchError(
                    f"{net.shown(way.at.url)} would be fetched by a proxy, where nobody here can tell where it leads: "
                    "name its host in NO_PROXY, or set people_urls_by_proxy = true"
                )
            session = self._session if way.at.proxy else self._stranger_session(way)
            return await session.get(way.at.url, headers=headers, allow_redirects=False, proxy=way.at.proxy)

    async def _header(self, auth: Auth, spec: SourceSpec, now: datetime) -> Header:
        if isinstance(auth, Header):
            return auth
        with answer.named(spec):
            return await self._tokens.header(auth, now)

    def _stranger_session(self, way: Way) -> aiohttp.ClientSession:
        if self._guarded is not None:
            return self._guarded
        if way.opened is None:
            way.opened = net.open_session(guard=self._guard, resolve=self._resolve)
            way.opened.headers.update(self._session.headers)
        return way.opened

    def _leads_on(self, response: aiohttp.ClientResponse, way: Way, spec: SourceSpec) -> bool:
        """True when `way` now leads to another request: after a redirect, a move into nowhere, or with too old a token."""
        if response.status in answer.REDIRECTS:
            way.redirect(Place(answer.location(response, spec)), response.status)
            return True
        if response.status == 401 and isinstance(spec.auth, Microsoft) and not way.has_new_token:
            self._tokens.forget(spec.auth)
            way.has_new_token = True
            return True
        return response.status in answer.GONE and way.give_up_move()

    async def _take(
        self, response: aiohttp.ClientResponse, way: Way, spec: SourceSpec, now: datetime
    ) -> Fetched | None:
        if response.status == 304 and (way.asked.etag or way.asked.last_modified):
            return None
        if response.status != 200:
            raise answer.error(spec, f"answered {response.status}", retry_after(response, now))
        body = await answer.body(response, spec)
        if spec.format == m365.NAME:
            body = await self._with_more_pages(body, way, spec, now)
        headers = {name.lower(): value for name, value in response.headers.items()}
        if spec.format == m365.NAME:
            headers.pop("etag", None)  # of the first page, and says nothing of the others
            headers.pop("last-modified", None)
        return _fresh(body, way, now, headers)

    async def _with_more_pages(self, body: bytes, way: Way, spec: SourceSpec, now: datetime) -> bytes:
        """Microsoft Graph gives long lists in pages: all of them as one, for what a list leaves out counts as over."""
        pages = [body]
        while (url := answer.next_page(pages[-1])) is not None:
            on = Way(way.own, Place(way.at.url.join(url)), Marks())
            if not on.is_at_home or len(pages) >= PAGES_MAX:
                raise answer.error(spec, f"has a next page on another host, or more than {PAGES_MAX} pages")
            if self._turns is not None:
                await self._turns.take(on.at.host)
            async with await self._open(on, spec, now) as response:
                if response.status != 200:
                    raise answer.error(spec, f"answered {response.status} for its page {len(pages) + 1}")
                pages.append(await answer.body(response, spec, already=sum(map(len, pages))))
        return await asyncio.to_thread(answer.joined, pages, spec) if len(pages) > 1 else body

    def _place(self, url: str) -> Place:
        """A place by its URL: parsed once, for it is asked for again and again."""
        found = self._places.get(url)
        if found is None:
            if len(self._places) >= _PLACES_MAX:
                self._places.clear()
            found = self._places[url] = Place.of(url)
        return found


def _fresh(body: bytes, way: Way, now: datetime, headers: dict[str, str]) -> Fetched | None:
    """The body with its marks, or None when its hash is the one that we asked with."""
    moved_to = way.moved_to
    marks = Marks(
        etag=headers.get("etag"),
        last_modified=headers.get("last-modified"),
        body_hash=blake2b(body, digest_size=16).hexdigest(),
        moved_to=moved_to,
        place=way.own.digest,
    )
    if marks.body_hash == way.asked.body_hash:
        way.own.renewed = marks
        return None
    return Fetched(
        payload=Payload(body=body, fetched_at=now, headers=headers, url=str(way.at.url)),
        marks=marks,
        moved_to=net.shown(moved_to) if moved_to and moved_to != way.remembered else None,
    )
