"""A loopback feed server: bodies with ETag, Last-Modified and gzip, counted requests, and the ways in which feeds fail."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from hashlib import sha256
from types import TracebackType
from typing import Self

from aiohttp import web
from multidict import CIMultiDict


@dataclass
class Page:
    """What a path serves. Without `etag` and `last_modified` every request gets the whole body."""

    body: bytes
    content_type: str = "application/json"
    has_etag: bool = True
    last_modified: datetime | None = None
    is_gzipped: bool = False

    @property
    def etag(self) -> str:
        return f'"{sha256(self.body).hexdigest()[:16]}"'


Fault = Callable[[web.Request, Page], Awaitable[web.StreamResponse]]


@dataclass
class _Trouble:
    fault: Fault
    left: int | None


@dataclass
class FeedServer:
    """Serve pages on 127.0.0.1. Use as `async with FeedServer() as feeds:`.

    `hits` counts requests by path, `unchanged` those answered 304; `seen` holds path and headers of each request and
    `peers` the client's end of its connection.
    """

    hits: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    seen: list[tuple[str, CIMultiDict[str]]] = field(default_factory=list)
    peers: list[tuple[str, int]] = field(default_factory=list)
    _pages: dict[str, Page] = field(default_factory=dict)
    _troubles: dict[str, _Trouble] = field(default_factory=dict)
    _runner: web.AppRunner | None = None
    _port: int = 0

    def serve(self, path: str, body: bytes | str, **page: object) -> str:
        """Serve `body` at `path` from now on; `page` as in Page. Give the URL."""
        raw = body.encode() if isinstance(body, str) else body
        self._pages[path] = Page(body=raw, **page)  # type: ignore[arg-type]
        return self.url(path)

    def fail(self, path: str, fault: Fault, *, times: int | None = None) -> str:
        """Fail at `path` with `fault`, the next `times` requests or until healed. Give the URL."""
        self._troubles[path] = _Trouble(fault, times)
        return self.url(path)

    def heal(self, path: str) -> None:
        """Serve the page again."""
        self._troubles.pop(path, None)

    def url(self, path: str, *, host: str = "127.0.0.1") -> str:
        """The URL of a path, by address or by a name of this machine."""
        return f"http://{host}:{self._port}{path}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.hits[request.path] += 1
        self.seen.append((request.path, CIMultiDict(request.headers)))
        assert request.transport is not None
        self.peers.append(request.transport.get_extra_info("peername"))
        page = self._pages.get(request.path)
        fault = self._next_fault(request.path)
        if fault is not None:
            return await fault(request, page or Page(b"{}"))
        if page is None:
            return web.Response(status=404)
        response = _whole(request, page)
        self.unchanged[request.path] += response.status == 304
        return response

    def _next_fault(self, path: str) -> Fault | None:
        trouble = self._troubles.get(path)
        if trouble is None:
            return None
        if trouble.left is not None:
            trouble.left -= 1
            if trouble.left <= 0:
                self.heal(path)
        return trouble.fault


def _whole(request: web.Request, page: Page) -> web.Response:
    headers = {"Content-Type": page.content_type}
    if page.has_etag:
        headers["ETag"] = page.etag
    if page.last_modified:
        headers["Last-Modified"] = format_datetime(page.last_modified, usegmt=True)
    if _is_known(request, headers):
        return web.Response(status=304, headers={k: v for k, v in headers.items() if k != "Content-Type"})
    if page.is_gzipped:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=gzip.compress(page.body) if page.is_gzipped else page.body, headers=headers)


def _is_known(request: web.Request, headers: dict[str, str]) -> bool:
    if asked := request.headers.get("If-None-Match"):
        return asked == headers.get("ETag")
    since = request.headers.get("If-Modified-Since")
    return since is not None and since == headers.get("Last-Modified")


async def drop(request: web.Request, page: Page) -> web.StreamResponse:
    """Hang up without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hang(request: web.Request, page: Page) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    return web.Response()


def delay(seconds: float) -> Fault:
    """Answer rightly, but late."""

    async def late(request: web.Request, page: Page) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return _whole(request, page)

    return late


def drip(pause_s: float = 0.02) -> Fault:
    """Send the body byte by byte."""

    async def slowly(request: web.Request, page: Page) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": page.content_type})
        response.content_length = len(page.body)
        await response.prepare(request)
        with suppress(ConnectionResetError):  # whoever asked may have had enough
            for byte in page.body:
                await response.write(bytes([byte]))
                await asyncio.sleep(pause_s)
        return response

    return slowly


def status(code: int, *, retry_after: str | None = None) -> Fault:
    """Answer with an error, as 500 or 429 with Retry-After."""

    async def refuse(request: web.Request, page: Page) -> web.StreamResponse:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return web.Response(status=code, headers=headers, text="sorry")

    return refuse


def redirect(to: str, code: int = 302) -> Fault:
    """Send elsewhere; to itself for a loop."""

    async def elsewhere(request: web.Request, page: Page) -> web.StreamResponse:
        return web.Response(status=code, headers={"Location": to} if to else {})

    return elsewhere


def huge(size: int, *, is_gzipped: bool = False) -> Fault:
    """Send `size` bytes of blanks, or a gzip bomb that becomes as many."""

    async def much(request: web.Request, page: Page) -> web.StreamResponse:
        if is_gzipped:
            return web.Response(body=gzip.compress(b" " * size), headers={"Content-Encoding": "gzip"})
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(size // 65536 + 1):
            await response.write(b" " * 65536)
        return response

    return much


async def cut(request: web.Request, page: Page) -> web.StreamResponse:
    """Announce the whole body, send half of it and hang up."""
    response = web.StreamResponse(headers={"Content-Type": page.content_type})
    response.content_length = len(page.body)
    await response.prepare(request)
    await response.write(page.body[: len(page.body) // 2])
    assert request.transport is not None
    request.transport.close()
    return response


async def html(request: web.Request, page: Page) -> web.StreamResponse:
    """A page for people where the feed should be, with status 200."""
    text = "<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
    return web.Response(text=text, content_type="text/html")
