"""discord.py's REST client as the outbox needs it: it never waits and never repeats.

The library sleeps through rate limits, repeats 5xx answers up to four times over 25 s and sleeps again after the last call a
limit allows. All three become errors at once, because there is one retry loop and it is not this one. Used by `call`; `listen`
uses `take_any_json` alone.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import deque
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import discord.webhook.async_
from discord.http import HTTPClient, Ratelimit, Route

API_URL = "https://discord.com/api/v10"
PER_SECOND_MAX = 50  # requests of one bot, whatever they ask: docs.discord.com/developers/topics/rate-limits
UNSAID_WAIT_S = 5.0  # after a 429 that does not say how long
SHORTEST_WAIT_S = 0.05
LONGEST_WAIT_S = 3_600.0
SHUT_KEPT = 512

_EVERYTHING = "everything"


def take_any_json() -> None:
    """Let the library read JSON whatever its Content-Type adds: it knows "application/json" alone; proxies name a charset."""
    discord.http.json_or_text = _json_or_text
    discord.webhook.async_.json_or_text = _json_or_text  # type: ignore[attr-defined]  # it imports the name


async def _json_or_text(response: aiohttp.ClientResponse) -> Any:
    text = await response.text(encoding="utf-8")
    return json.loads(text) if response.content_type == "application/json" else text


class TooMany(discord.RateLimited):
    """A 429. `is_for_all` when it stops every route: the bot's global limit, or a ban at the edge."""

    def __init__(self, retry_after: float, *, is_for_all: bool) -> None:
        self.is_for_all = is_for_all
        super().__init__(retry_after)


class Rest(HTTPClient):
    """The library's client at an address of our own, which fails where the library's would wait or repeat.

    `me` is the id of the bot's user, "" while nobody asked. `token` may be changed at any time: a request on its way keeps
    the one it left with.
    """

    def __init__(self, api_url: str, *, per_second: int = PER_SECOND_MAX) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(_fail_at_once)
        super().__init__(asyncio.get_running_loop(), http_trace=trace)
        take_any_json()
        self._api_url = api_url.rstrip("/")
        self._sent_at: deque[float] = deque(maxlen=per_second)
        self._shut_until: dict[str, float] = {}
        self.me = ""

    async def request(self, route: Route, **options: Any) -> Any:
        """The JSON of the answer, or its text when it is not JSON. Too soon: nothing is sent, discord.RateLimited."""
        lane = f"{route.key}:{route.major_parameters}"
        self._set_off(lane)
        route.url = self._api_url + route.url.removeprefix(Route.BASE)
        try:
            return await super().request(route, **options)
        except TooMany as no:
            self._shut(_EVERYTHING if no.is_for_all else lane, no.retry_after)
            raise

    def get_ratelimit(self, key: str) -> Ratelimit:
        """The library's own bucket would sleep; ours refuses."""
        if key not in self._buckets:
            self._buckets[key] = _Bucket(None)
            self._try_clear_expired_ratelimits()
        return self._buckets[key]

    def _set_off(self, lane: str) -> None:
        """Count one request, unless Discord told us to be still, or it is one too many in this second."""
        now = self.loop.time()
        open_at = max(self._shut_until.get(key, 0.0) for key in (_EVERYTHING, lane))
        if len(self._sent_at) == self._sent_at.maxlen:
            open_at = max(open_at, self._sent_at[0] + 1.0)
        if open_at > now:
            raise discord.RateLimited(open_at - now)
        self._sent_at.append(now)

    def _shut(self, lane: str, wait_s: float) -> None:
        now = self.loop.time()
        if len(self._shut_until) >= SHUT_KEPT:
            self._shut_until = {key: at for key, at in self._shut_until.items() if at > now}
        self._shut_until[lane] = now + wait_s


class _Bucket(Ratelimit):
    """What the headers of earlier answers allow: a call too many fails here, before it is sent."""

    async def acquire(self) -> None:
        now = asyncio.get_running_loop().time()
        self._last_request = now
        if self.is_expired():
            self.reset()  # type: ignore[no-untyped-call]  # the library gives it no types
        if self.remaining <= 0 and self.expires is not None:
            raise discord.RateLimited(max(SHORTEST_WAIT_S, self.expires - now))
        self.remaining -= 1
        self.outgoing += 1

    def update(self, response: aiohttp.ClientResponse, *, use_clock: bool = False) -> None:
        """What Discord counted when it answered leaves out the calls still on their way; the library forgets them too."""
        left_before = self.remaining if self.dirty else math.inf
        super().update(response, use_clock=use_clock)
        self.remaining = int(min(self.remaining, self.limit - self.outgoing, left_before))

    async def __aexit__(self, *_: object) -> None:
        self.outgoing -= 1


async def _fail_at_once(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
) -> None:
    """Called before the library sees an answer: 429 and 5xx end here, as what the library would raise at last."""
    response = params.response
    if response.status == 429:
        raise _too_many(response, await response.text(errors="replace"))
    if response.status >= 500:
        raise discord.DiscordServerError(response, await response.text(errors="replace"))


def _too_many(response: aiohttp.ClientResponse, text: str) -> TooMany:
    """How long a 429 asks us to wait: exact in its body, in whole seconds in its header (all that the edge sends)."""
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    in_body = body if isinstance(body, dict) else {}
    in_header = _seconds(response.headers.get("Retry-After"))
    said = _seconds(in_body.get("retry_after"))
    wait_s = next((each for each in (said, in_header) if each is not None), UNSAID_WAIT_S)
    scope = response.headers.get("X-RateLimit-Scope", "")
    is_banned = (
        body is None and in_header is not None
    )  # a page of the edge: it stops our address, not one route
    is_for_all = in_body.get("global") is True or scope == "global" or is_banned
    return TooMany(min(max(wait_s, SHORTEST_WAIT_S), LONGEST_WAIT_S), is_for_all=is_for_all)


def _seconds(said: Any) -> float | None:
    try:
        seconds = float(said)
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) else None
