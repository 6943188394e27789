"""A sign of life to a service outside, which raises the alarm when it stays away: the one trouble that Fogbell cannot tell.

It goes out only while the delivery turns and the store answers, so that its silence means that nobody is told anything. Called
by `wiring`, on every worker; the address holds a secret, and is never logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import aiohttp

from bot import net
from bot.errors import StoreError
from bot.telemetry import Event, log

TIMEOUT_S = 10.0
STORE_TIMEOUT_S = 5.0
LOOK_AGAIN_S = 60.0  # where nothing is configured: a reload may bring it


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Where a sign of life goes, and how often. `url` may hold a secret."""

    url: str
    every: timedelta
    method: str = "GET"


class Pulse:
    """Sends signs. `wanted` is asked at each turn; `is_turning` and `store_answers` say whether there is life to be shown."""

    def __init__(
        self,
        wanted: Callable[[], Sign | None],
        session: aiohttp.ClientSession,
        *,
        is_turning: Callable[[], bool],
        store_answers: Callable[[], Awaitable[object]],
    ) -> None:
        self._wanted = wanted
        self._session = session
        self._is_turning = is_turning
        self._store_answers = store_answers
        self._trouble: str | None = None

    async def run(self) -> None:
        """Send until cancelled. By real time: whoever listens has no other."""
        while True:
            sign = self._wanted()
            if sign is not None:
                await self.once(sign)
            await asyncio.sleep(sign.every.total_seconds() if sign else LOOK_AGAIN_S)

    async def once(self, sign: Sign) -> bool:
        """Send one sign, if there is life; gives whether it arrived. What is in the way is logged when it changes."""
        if reason := await self._lifeless():
            self._say(Event.PULSE_WITHHELD, reason)
            return False
        if reason := await self._sent(sign):
            self._say(Event.PULSE_FAILED, reason)
            return False
        if self._trouble is not None:
            self._trouble = None
            log().warning(Event.PULSE_BACK)
        return True

    async def _lifeless(self) -> str:
        """Why there is nothing to be shown, or an empty text."""
        if not self._is_turning():
            return "the delivery does not turn"
        try:
            async with asyncio.timeout(STORE_TIMEOUT_S):
                await self._store_answers()
        except (StoreError, TimeoutError):
            return "the store does not answer"
        return ""

    async def _sent(self, sign: Sign) -> str:
        """Why it did not arrive, in words without the address, or an empty text."""
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._session.request(sign.method, sign.url, proxy=net.proxy_for(sign.url)) as answer,
            ):
                return "" if answer.status < 300 else f"it answered {answer.status}"
        except (aiohttp.ClientError, OSError, ValueError) as exc:  # a TimeoutError is an OSError
            return net.in_words(exc)

    def _say(self, event: Event, reason: str) -> None:
        if self._trouble != reason:
            self._trouble = reason
            log().warning(event, reason=reason)
