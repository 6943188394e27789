"""Tokens of Microsoft Graph by client credentials: asked for once, kept until shortly before they end. Used by `fetch`.

learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, read 2026-11; not tried on the real service.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp
from yarl import URL

from bot import net
from bot.errors import FetchError
from bot.sources.fetching.auth import Header, Microsoft, bearer

SCOPE = "https://graph.microsoft.com/.default"
EARLY = timedelta(minutes=5)
ANSWER_MAX_BYTES = 64 * 1024
_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class _Token:
    header: Header
    until: datetime


class Tokens:
    """The tokens that are valid now, by the credentials that they were given for."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._held: dict[Microsoft, _Token] = {}

    async def header(self, app: Microsoft, now: datetime) -> Header:
        """The header that opens Microsoft Graph for `app`. Raises FetchError, aiohttp.ClientError or OSError."""
        held = self._held.get(app)
        if held is None or held.until <= now:
            held = self._held[app] = await self._ask(app, now)
        return held.header

    def forget(self, app: Microsoft) -> None:
        """Ask anew next time: the token was refused."""
        self._held.pop(app, None)

    async def _ask(self, app: Microsoft, now: datetime) -> _Token:
        url = URL(app.login_url) / app.tenant / "oauth2/v2.0/token"
        form = {
            "grant_type": "client_credentials",
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "scope": SCOPE,
        }
        async with self._session.post(
            url, data=form, allow_redirects=False, proxy=net.proxy_for(str(url))
        ) as response:
            answer = await response.content.read(ANSWER_MAX_BYTES)
            while piece := await response.content.read(ANSWER_MAX_BYTES - len(answer)):
                answer += piece
            if response.status != 200:
                raise FetchError(f"{net.shown(url)} gave no token: {_reason(answer, response.status)}")
        return _token(answer, now, net.shown(url))


def _token(answer: bytes, now: datetime, where: str) -> _Token:
    try:
        told = json.loads(answer)
        lasts = timedelta(seconds=min(max(int(told["expires_in"]), 0), 86_400))
        if not _TOKEN.fullmatch(told["access_token"]):
            raise ValueError("no header can carry it")
        return _Token(bearer(told["access_token"]), now + max(lasts - EARLY, lasts / 2))
    except (ValueError, OverflowError, KeyError, TypeError, RecursionError) as exc:
        raise FetchError(f"{where} answered 200 without a token") from exc


def _reason(answer: bytes, status: int) -> str:
    """Microsoft's short word for it ("invalid_client"); its long one is not repeated, for it may hold what we sent."""
    try:
        word = json.loads(answer)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        word = ""
    is_word = isinstance(word, str) and word.replace("_", "").isalnum() and len(word) <= 40
    return f"{status} {word}" if is_word else str(status)
