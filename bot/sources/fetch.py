"""Fetching feeds: conditional requests, bounded in time and bytes, with every failure as one line of plain words.

Nothing is remembered here. The caller keeps `Marks` and stores the new ones only after what the body said is committed:
marks stored earlier would turn one lost commit into an update that is never seen again.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import blake2b

import aiohttp
from yarl import URL

from bot import net
from bot.errors import FetchError
from bot.sources.payload import Payload, SourceSpec

TOTAL_S = 15.0
REDIRECTS_MAX = 5
RETRY_AFTER_MAX = timedelta(hours=1)
_CHUNK_BYTES = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ACCEPT = "application/json, application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What tells a body that we know from a new one; empty for a source never committed.

    `moved_to` is where permanent redirects of the configured URL lead.
    """

    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    moved_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A body that differs from the last committed one, and the marks to store once it is committed."""

    payload: Payload
    marks: Marks


class Fetcher:
    """Fetches sources over one session. `total_s` bounds a fetch with all its redirects, from start to last byte."""

    def __init__(
        self, session: aiohttp.ClientSession, *, resolve: net.Resolve = net.resolve, total_s: float = TOTAL_S
    ) -> None:
        self._session = session
        self._resolve = resolve
        self._total_s = total_s

    async def fetch(self, spec: SourceSpec, marks: Marks, now: datetime) -> Fetched | None:
        """The source's body, or None when it is the one that `marks` were taken from.

        Raises FetchError when it cannot be had, with the server's wish in `retry_after` where it gave one.
        """
        try:
            async with asyncio.timeout(self._total_s):
                return await self._follow(spec, marks, now)
        except TimeoutError as exc:
            raise _error(spec, f"did not answer within {self._total_s:g} s") from exc
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            raise _error(spec, f"could not be fetched: {net.in_words(exc)}") from exc

    async def _follow(self, spec: SourceSpec, marks: Marks, now: datetime) -> Fetched | None:
        url = URL(spec.url)
        for _ in range(REDIRECTS_MAX + 1):
            async with self._session.get(
                url, headers=_conditions(marks), allow_redirects=False, proxy=net.proxy_for(str(url))
            ) as response:
                if response.status not in _REDIRECTS:
                    return await _take(response, spec, marks, now)
                url = _location(response, spec)
            await self._guard(url, spec)
        raise _error(spec, f"redirects more than {REDIRECTS_MAX} times")

    async def _guard(self, url: URL, spec: SourceSpec) -> None:
        """Refuse a redirect into our own network: the operator chose the first URL, but not this one."""
        if spec.allow_private or url.host == URL(spec.url).host:
            return
        try:
            await net.check_public(str(url), self._resolve)
        except FetchError as exc:
            raise FetchError(f"{spec.name}: redirected, but {exc}") from exc


async def _take(
    response: aiohttp.ClientResponse, spec: SourceSpec, marks: Marks, now: datetime
) -> Fetched | None:
    if response.status == 304 and marks != Marks():
        return None
    if response.status != 200:
        raise _error(spec, f"answered {response.status}", _retry_after(response, now))
    body = await _body(response, spec)
    body_hash = blake2b(body, digest_size=16).hexdigest()
    if body_hash == marks.body_hash:
        return None
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Fetched(
        payload=Payload(body=body, fetched_at=now, headers=headers, url=str(response.url)),
        marks=Marks(
            etag=headers.get("etag"), last_modified=headers.get("last-modified"), body_hash=body_hash
        ),
    )


async def _body(response: aiohttp.ClientResponse, spec: SourceSpec) -> bytes:
    """The body after decompression, which comes in bounded pieces: a small bomb is stopped as a large body is."""
    body = bytearray()
    async for piece in response.content.iter_chunked(_CHUNK_BYTES):
        body += piece
        if len(body) > spec.body_max_bytes:
            raise _error(spec, f"sent more than {spec.body_max_bytes // 1024} KiB")
    return bytes(body)


def _conditions(marks: Marks) -> dict[str, str]:
    headers = {"Accept": _ACCEPT}
    if marks.etag:
        headers["If-None-Match"] = marks.etag
    if marks.last_modified:
        headers["If-Modified-Since"] = marks.last_modified
    return headers


def _location(response: aiohttp.ClientResponse, spec: SourceSpec) -> URL:
    target = response.headers.get("Location")
    if not target:
        raise _error(spec, f"answered {response.status} without saying where to")
    url = response.url.join(URL(target))
    if url.scheme not in {"http", "https"}:
        raise _error(spec, "redirects to something that is not a web address")
    return url


def _retry_after(response: aiohttp.ClientResponse, now: datetime) -> timedelta | None:
    """The wait that the server asked for, in seconds or as a date, at most an hour; None when it asked for none."""
    value = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(timedelta(seconds=int(value)), RETRY_AFTER_MAX)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), RETRY_AFTER_MAX)


def _error(spec: SourceSpec, what: str, retry_after: timedelta | None = None) -> FetchError:
    return FetchError(f"{spec.name}: {net.shown(spec.url)} {what}", retry_after=retry_after)
