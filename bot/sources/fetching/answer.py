"""Reading an HTTP answer with suspicion: bounded bodies, redirects, pages of a list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import aiohttp
from yarl import URL

from bot import net
from bot.errors import FetchError
from bot.sources.payload import SourceSpec

REDIRECTS = frozenset({301, 302, 303, 307, 308})
GONE = frozenset({401, 403, 404, 410})  # a feed that moved into such a place is looked for where it came from
_CHUNK_BYTES = 64 * 1024
_NEXT = "@odata.nextLink"
_NEXT_LINK = re.compile(
    rb'"@odata\.nextLink"\s*:\s*("(?:[^"\\]|\\.)*")'
)  # not within a text: its quotes are escaped


async def body(response: aiohttp.ClientResponse, spec: SourceSpec, *, already: int = 0) -> bytes:
    """The body after decompression, which comes in bounded pieces: a small bomb is stopped as a large body is.

    `already` bytes of the source's cap are used up. Raises FetchError above the cap, at once where the length is announced.
    """
    left = spec.body_max_bytes - already
    taken = bytearray()
    if (response.content_length or 0) <= left:
        async for piece in response.content.iter_chunked(_CHUNK_BYTES):
            taken += piece
            if len(taken) > left:
                break
        else:
            return bytes(taken)
    raise error(spec, f"sent more than {spec.body_max_bytes // 1024} KiB")


def location(response: aiohttp.ClientResponse, spec: SourceSpec) -> URL:
    """Where a redirect leads. Raises FetchError when it does not say, or names no web address; ValueError for nonsense."""
    target = response.headers.get("Location")
    if not target:
        raise error(spec, f"answered {response.status} without saying where to")
    url = response.url.join(URL(target)).with_fragment(None)
    if url.scheme not in {"http", "https"} or not url.host:
        raise error(spec, "redirects to something that is not a web address")
    return url


def next_page(page: bytes) -> URL | None:
    """Where a list of Microsoft Graph goes on, or None where it ends. Raises ValueError for nonsense."""
    found = _NEXT_LINK.search(page)
    return URL(json.loads(found[1])) if found else None


def joined(pages: Sequence[bytes], spec: SourceSpec) -> bytes:
    """The pages of a list as one. Raises FetchError."""
    try:
        first, *others = map(json.loads, pages)
        for page in others:
            first["value"] += page["value"]
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise error(spec, "gave a page that holds no list") from exc
    first.pop(_NEXT, None)
    return json.dumps(first).encode()


@contextmanager
def named(spec: SourceSpec, how: str = "") -> Iterator[None]:
    """Say which source it is in a FetchError from where that is not known."""
    try:
        yield
    except FetchError as exc:
        raise type(exc)(f"{spec.name}: {how}{exc}") from exc


def error(spec: SourceSpec, what: str, retry_after: timedelta | None = None) -> FetchError:
    """A failure with the source's name and address, which shows no key."""
    return FetchError(f"{spec.name}: {net.shown(spec.url)} {what}", retry_after=retry_after)
