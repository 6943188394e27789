"""The demo's web server: the pages of the day on loopback, as they were at the clock's moment, with ETag and 304."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from aiohttp import ETag, web

from bot.demo import DemoFeeds
from bot.demo.aws import aws_currentevents, aws_rss
from bot.demo.script import Day, checkout_health
from bot.demo.statuspage import statuspage_summary
from bot.ports import Clock

_UTF_16 = "application/json;charset=utf-16"
_JSON = "application/json; charset=utf-8"
_RSS = "application/rss+xml; charset=utf-8"

Handler = Callable[[web.Request], Awaitable[web.Response]]
Body = Callable[[datetime], bytes]


@asynccontextmanager
async def serve_feeds(day: Day, clock: Clock) -> AsyncIterator[DemoFeeds]:
    """The addresses of the day's pages, served on a free loopback port until the block ends."""
    runner = web.AppRunner(_app(day, clock), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield _addresses(day, f"http://{host}:{port}")
    finally:
        await runner.cleanup()


def _addresses(day: Day, base: str) -> DemoFeeds:
    return DemoFeeds(
        aws_currentevents=f"{base}/aws/public/currentevents",
        aws_rss=f"{base}/aws/rss/all.rss",
        vendors={vendor.slug: f"{base}/{vendor.slug}/api/v2/summary.json" for vendor in day.vendors},
        checkout=f"{base}/checkout/health",
    )


def _app(day: Day, clock: Clock) -> web.Application:
    app = web.Application()
    app.router.add_get(
        "/aws/public/currentevents", _page(clock, lambda at: aws_currentevents(day, at), _UTF_16)
    )
    app.router.add_get("/aws/rss/all.rss", _page(clock, lambda at: aws_rss(day, at), _RSS))
    for vendor in day.vendors:
        app.router.add_get(
            f"/{vendor.slug}/api/v2/summary.json", _page(clock, _summary(day, vendor.slug), _JSON)
        )
    app.router.add_get("/checkout/health", _health(day, clock))
    return app


def _summary(day: Day, slug: str) -> Body:
    return lambda at: statuspage_summary(day, slug, at)


def _page(clock: Clock, body: Body, content_type: str) -> Handler:
    """A page with a strong ETag over its bytes; 304 to those who have them already."""

    async def answer(request: web.Request) -> web.Response:
        content = body(clock.now())
        tag = hashlib.sha256(content).hexdigest()[:24]
        known = request.if_none_match or ()
        if any(etag.value in {tag, "*"} for etag in known):
            response = web.Response(status=304)
        else:
            response = web.Response(body=content, headers={"Content-Type": content_type})
        response.etag = ETag(tag)
        return response

    return answer


def _health(day: Day, clock: Clock) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        status, text = checkout_health(day, clock.now())
        return web.Response(status=status, text=text, content_type="application/json")

    return answer
