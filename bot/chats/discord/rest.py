"""discord.py's REST client as the outbox needs it, and the one seam where its errors become ours.

The library sleeps through rate limits, repeats 5xx answers up to four times over 25 s and sleeps again after the last call a
limit allows. All three are turned into errors here, because there is one retry loop and it is not this one. Used by
`client`; `listen` uses `failure` alone.
"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import discord.webhook.async_
from discord.http import HTTPClient, Ratelimit, Route

from bot.errors import ChatError, RateLimited, Refused, Unavailable, Uncertain

NAME = "discord"
API_URL = "https://discord.com/api/v10"
UNSAID_WAIT_S = 5.0  # after a 429 that does not say how long
LONGEST_WAIT_S = 3_600.0
PASSING_WAIT = timedelta(minutes=1)

# Discord's error codes: docs.discord.com/developers/topics/opcodes-and-status-codes (read 2026-08)
UNKNOWN_CHANNEL = 10003
UNKNOWN_MESSAGE = 10008
THREAD_IS_ARCHIVED = 50083
THREAD_EXISTS = 160004
# A limit that ends by itself: slow mode, writing too fast, too many edits of old messages, overload, too many open threads.
_PASSING = frozenset({20016, 20022, 20028, 20029, 30046, 130000, 160006})

_LET_IN = "Invite the bot to the server, and let its role view the channel."
_PERMIT = (
    "Let the bot's role do all of this in the channel: view it, send messages, embed links, read the message history,"
    " create public threads, send messages in threads."
)
_CORRECT = "Correct the channel's id in the configuration: Discord knows no such channel."
_REMEDIES = {
    UNKNOWN_CHANNEL: _CORRECT,
    UNKNOWN_MESSAGE: "The message was deleted; post anew.",
    50001: _LET_IN,
    50013: _PERMIT,
    50035: "Check that the channel's id is Discord's long number; if it is, please report a bug of Fogbell.",
    160005: "Unlock the thread, or let the bot's role manage threads.",
}
_REMEDIES_BY_STATUS = {401: "Put a valid bot token into chat.discord.token.", 403: _PERMIT, 404: _CORRECT}

# All that the library, the connection and an unreadable answer may raise.
FAILURES = (
    discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError,
    ValueError, KeyError, TypeError,
)  # fmt: skip
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


def failure(
    exc: BaseException, channel: str, *, may_have_arrived: bool = False, may_be_gone: bool = False
) -> ChatError:
    """What an error of the library means for the outbox.

    `may_have_arrived` is for a request that creates something, once it was sent; `may_be_gone` is for one inside a thread,
    which may have been deleted with all its messages.
    """
    if isinstance(exc, discord.RateLimited):
        return RateLimited(NAME, channel, timedelta(seconds=exc.retry_after))
    if isinstance(exc, discord.LoginFailure):
        return Refused(NAME, channel, "Discord does not know our token", remedy=_REMEDIES_BY_STATUS[401])
    if isinstance(exc, discord.HTTPException) and exc.status < 500 and _is_discords_own(exc):
        return _refusal(exc, channel, may_be_gone)
    status = f" {exc.status}" if isinstance(exc, discord.HTTPException) else ""
    words = type(exc).__name__ + status  # its own text may name an address that is nobody's business
    return lost(channel, words, may_have_arrived=may_have_arrived and not isinstance(exc, _NEVER_SENT))


def lost(channel: str, words: str, *, may_have_arrived: bool) -> ChatError:
    """Discord gave no answer that can be read."""
    if may_have_arrived:
        return Uncertain(NAME, channel, f"no readable answer, so it may have arrived ({words})")
    return Unavailable(NAME, channel, f"no readable answer ({words})")


def code_of(error: ChatError) -> int:
    """Discord's code for what `failure` translated, 0 when it gave none."""
    return getattr(error.__cause__, "code", 0)


def _refusal(exc: discord.HTTPException, channel: str, may_be_gone: bool) -> ChatError:
    if exc.code in _PASSING:
        return RateLimited(NAME, channel, PASSING_WAIT)
    remedy = _REMEDIES.get(exc.code) or _REMEDIES_BY_STATUS.get(exc.status, "Please report a bug of Fogbell.")
    gone = exc.code == UNKNOWN_MESSAGE or (exc.code == UNKNOWN_CHANNEL and may_be_gone)
    said = f"{exc.status}, code {exc.code}: {exc.text}"[:300]
    return Refused(NAME, channel, f"Discord refused it ({said})", remedy=remedy, gone=gone)


def _is_discords_own(exc: discord.HTTPException) -> bool:
    """False for an answer of something on the way to Discord: a proxy's or an edge's page refuses nothing for good."""
    return exc.response.headers.get("Content-Type", "").startswith("application/json")


def take_any_json() -> None:
    """Let the library read JSON whatever its Content-Type adds: it knows "application/json" alone; proxies name a charset."""
    discord.http.json_or_text = _json_or_text
    discord.webhook.async_.json_or_text = _json_or_text  # type: ignore[attr-defined]  # it imports the name


async def _json_or_text(response: aiohttp.ClientResponse) -> Any:
    text = await response.text(encoding="utf-8")
    return json.loads(text) if response.content_type == "application/json" else text


class Rest(HTTPClient):
    """The library's client at an address of our own, which fails where the library's would wait or repeat.

    `me` is the id of the bot's user, known after `static_login`.
    """

    def __init__(self, api_url: str) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(_fail_at_once)
        super().__init__(asyncio.get_running_loop(), http_trace=trace)
        take_any_json()
        self._api_url = api_url.rstrip("/")
        self.me = ""

    async def request(self, route: Route, **options: Any) -> Any:
        """The JSON of the answer, or its text when it is not JSON."""
        route.url = self._api_url + route.url.removeprefix(Route.BASE)
        return await super().request(route, **options)

    def get_ratelimit(self, key: str) -> Ratelimit:
        """The library's own bucket would sleep; ours refuses."""
        if key not in self._buckets:
            self._buckets[key] = _Bucket(None)
            self._try_clear_expired_ratelimits()
        return self._buckets[key]


class _Bucket(Ratelimit):
    """What the headers of earlier answers allow: a call too many fails here, before it is sent."""

    async def acquire(self) -> None:
        now = asyncio.get_running_loop().time()
        self._last_request = now
        if self.is_expired():
            self.reset()  # type: ignore[no-untyped-call]  # the library gives it no types
        if self.remaining <= 0 and self.expires is not None:
            raise discord.RateLimited(max(0.0, self.expires - now))
        self.remaining -= 1
        self.outgoing += 1

    async def __aexit__(self, *_: object) -> None:
        self.outgoing -= 1


async def _fail_at_once(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
) -> None:
    """Called before the library sees an answer: 429 and 5xx end here, as what the library would raise at last."""
    response = params.response
    if response.status == 429:
        raise discord.RateLimited(_wait_s(response, await response.text()))
    if response.status >= 500:
        raise discord.DiscordServerError(response, await response.text())


def _wait_s(response: aiohttp.ClientResponse, body: str) -> float:
    """How long a 429 asks us to wait: exact in its body, in whole seconds in its header (all that the edge sends)."""
    try:
        said = float(json.loads(body)["retry_after"])
    except (ValueError, KeyError, TypeError):
        header = response.headers.get("Retry-After", "")
        said = float(header) if header.isdecimal() else UNSAID_WAIT_S
    return min(max(said, 0.0), LONGEST_WAIT_S)
