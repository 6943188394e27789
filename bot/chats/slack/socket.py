"""Socket Mode's connections: one that takes events, and the next one before it ends.

What an event means is the business of `listen`, which is the only caller. slack_sdk has a client of its own for this; it closes
the old connection before it opens the new one, tries one used-up address for ever, and without jitter, so it is not used.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp

from bot.errors import ChatError, RateLimited, Refused, Unavailable

CLOSE_WITHIN_S = 5.0
CALM_AFTER_S = 30.0  # a connection that lived so long is followed by another at once, whatever ended it
PAUSE_MAX_S = 30.0  # apps.connections.open is of Tier 1: it dislikes being asked again and again
# Slack says goodbye with one of these some seconds before it closes a connection; events still come over it until then.
PLANNED = frozenset({"warning", "refresh_requested"})

Envelope = Mapping[str, Any]
Take = Callable[[Envelope], Awaitable[bool]]
"""Begins what an envelope asks for; True when Slack is to be told that it arrived."""
Start = Callable[[Coroutine[Any, Any, None]], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How patient we are with a connection."""

    ping_every: timedelta = timedelta(seconds=10)  # one that does not answer within half of it is dead
    hello_within: timedelta = timedelta(seconds=10)
    linger: timedelta = timedelta(seconds=5)  # the old one is still heard: slash commands come only once
    patience: timedelta = timedelta(seconds=60)  # without any connection; then the listener begins anew


class Line:
    """One open connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, take: Take, start: Start) -> None:
        self.reason = ""  # why it ends
        self.is_open = True
        self.greeted = asyncio.Event()
        self.ending = asyncio.Event()
        self.gone = asyncio.Event()
        self._socket = socket
        self._take = take
        self._start = start

    async def read(self) -> None:
        """Take what comes, until the connection is closed by anybody or dead."""
        try:
            async for frame in self._socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self._hear(frame.data)
        finally:
            self.is_open = False
            self.reason = self.reason or f"closed with {self._socket.close_code}"
            for event in (self.greeted, self.ending, self.gone):
                event.set()

    async def close(self) -> None:
        """Say goodbye, for a moment: Slack does not always answer it."""
        with suppress(TimeoutError, aiohttp.ClientError, OSError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._socket.close()

    def _hear(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            return  # no envelope, so that nobody waits for an answer
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "hello":
            self.greeted.set()
        elif kind == "disconnect":
            self.reason = str(message.get("reason"))
            self.ending.set()
        elif kind and message.get("envelope_id"):
            self._start(self._answer(message))

    async def _answer(self, envelope: Envelope) -> None:
        """Begin it and acknowledge. What cannot be acknowledged any more comes again over another connection."""
        if await self._take(envelope):
            with suppress(aiohttp.ClientError, OSError):
                await self._socket.send_json({"envelope_id": envelope["envelope_id"]})


class Lines:
    """The connections of one listener: nearly always one, for a moment two, in bad times none.

    `connect` opens one or raises ChatError; `on_state` hears True when the first is open and False when the last one is gone.
    """

    def __init__(
        self,
        chat: str,
        connect: Callable[[], Awaitable[aiohttp.ClientWebSocketResponse]],
        take: Take,
        start: Start,
        *,
        terms: Terms,
        on_state: Callable[[bool], None],
    ) -> None:
        self._chat = chat
        self._connect = connect
        self._take = take
        self._start = start
        self._terms = terms
        self._on_state = on_state
        self._open: list[Line] = []

    async def hold(self) -> ChatError:
        """Keep a connection open; gives the error that makes that useless: a refusal, or one that lasts too long."""
        now = asyncio.get_running_loop().time
        failures, seen_at = 0, now()
        while True:
            began = now()
            try:
                line = await self._opened()
                self._take_over(line)
                await line.ending.wait()
                if line.reason not in PLANNED:
                    await line.close()
                error: ChatError | None = None
            except Refused as refusal:
                return refusal
            except (RateLimited, Unavailable) as exc:
                error = exc
            if error is None or self._open:
                seen_at = now()
            elif isinstance(error, Unavailable) and now() - seen_at >= self._terms.patience.total_seconds():
                return error
            is_calm = error is None and now() - began > CALM_AFTER_S
            failures = 0 if is_calm else failures + 1
            await asyncio.sleep(_pause(failures, error))

    async def close(self) -> None:
        """Close every connection."""
        for line in tuple(self._open):
            await line.close()

    async def _opened(self) -> Line:
        """A connection over which Slack has said hello."""
        line = Line(await self._connect(), self._take, self._start)
        self._start(self._living(line))
        try:
            async with asyncio.timeout(self._terms.hello_within.total_seconds()):
                await line.greeted.wait()
        except TimeoutError as exc:
            await line.close()
            raise Unavailable(self._chat, "socket", "a connection without a hello") from exc
        if not line.is_open:
            raise Unavailable(self._chat, "socket", f"a connection was {line.reason}")
        return line

    def _take_over(self, line: Line) -> None:
        """Let the new connection take over: only now does the old one go, so that no event falls between them."""
        old = tuple(self._open)
        self._open.append(line)
        if not old:
            self._on_state(True)
        for other in old:
            self._start(self._let_go(other))

    async def _let_go(self, line: Line) -> None:
        """Wait until Slack closes it, or close it after a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._terms.linger.total_seconds()):
                await line.gone.wait()
        await line.close()

    async def _living(self, line: Line) -> None:
        try:
            await line.read()
        finally:
            if line in self._open:
                self._open.remove(line)
                if not self._open:
                    self._on_state(False)
            await line.close()


def _pause(failures: int, error: ChatError | None) -> float:
    """Seconds until the next connection is opened, with jitter: thousands of apps lose theirs at the same moment."""
    if failures == 0:
        return 0.0
    pause = min(0.5 * 2.0 ** min(failures - 1, 10), PAUSE_MAX_S) * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
    return max(pause, error.after.total_seconds()) if isinstance(error, RateLimited) else pause
