"""One connection to Discord's gateway that outlives cuts: resumed where Discord remembers it, begun anew only sparingly.

The library's own loop reconnects without a pause and begins anew whenever it is told to; 1,000 beginnings (IDENTIFY) in a day
cost the bot its token. Base of `listen.Listener`; nothing here knows commands.
"""

from __future__ import annotations

import asyncio
import random
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
import discord
from discord.gateway import DiscordWebSocket, ReconnectWebSocket

from bot.chats.discord.failures import FAILURES, NAME, UNREADABLE, lost
from bot.telemetry import Event, log

OnState = Callable[[bool], None]

SILENCE_MAX_S = 60.0  # without a word, not even an answer to our heartbeat (every 41 s), a connection is dead
CONNECT_WITHIN_S = 30.0
ASK_WITHIN_S = 10.0
CLOSE_WITHIN_S = 5.0
CALM_AFTER_S = 60.0  # a connection that stood this long is replaced at once
PAUSE_MAX_S = 60.0
TRIES_MAX = 8  # to resume; about three minutes, then Discord has forgotten the session anyway


class Connection(discord.Client):
    """A client that sees servers and interactions, but no message and no member; `on_state` is told True and False."""

    def __init__(self, *, on_state: OnState | None = None, silence_max_s: float = SILENCE_MAX_S) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            max_messages=None,
            guild_ready_timeout=0,  # nothing here waits for the list of servers
            heartbeat_timeout=silence_max_s,
        )
        self._on_state = on_state or (lambda _: None)
        self._is_up = False
        self._up_at = float("-inf")

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Called by the library for each event, in order."""
        if event in ("connect", "resumed"):
            self._up_at = asyncio.get_running_loop().time()
            self._tell(True)
        super().dispatch(event, *args, **kwargs)

    async def connect(self, *, reconnect: bool = True) -> None:
        """Listen until closed. Raises what the library or the connection raised when there is nothing left to resume."""
        session: dict[str, Any] = {}
        tries = 0
        while not self.is_closed():
            try:
                await self._listen(session)
            except ReconnectWebSocket as again:
                session = self._session() if again.resume else {}
            except (OSError, aiohttp.ClientError, TimeoutError, zlib.error):
                session = session or self._session()
                if not session:
                    raise
            finally:
                calm = asyncio.get_running_loop().time() - self._up_at > CALM_AFTER_S
                tries = 1 if self._is_up and calm else tries + 1
                self._tell(False)
            if tries > TRIES_MAX:
                raise lost("gateway", "the connection drops again and again", may_have_arrived=False)
            await self._drop()
            await asyncio.sleep(pause_s(tries, is_new=not session))

    async def _listen(self, session: dict[str, Any]) -> None:
        """Connect, anew or to resume `session`, and receive until something is raised."""
        if not session:
            await self._spare_identifies()
        async with asyncio.timeout(CONNECT_WITHIN_S):
            # The library's own pause before an IDENTIFY that is not the first is left out: ours came before.
            self.ws = await DiscordWebSocket.from_client(self, initial=True, **session)
        while True:
            try:
                await self.ws.poll_event()
            except UNREADABLE as exc:  # one event that is not as the library expects must not end all others
                log().warning(Event.CHAT_EVENT_UNREADABLE, channel=NAME, error=repr(exc))

    def _session(self) -> dict[str, Any]:
        """What resumes the session of the last connection, empty when it had none."""
        if not self.ws or not self.ws.session_id:
            return {}
        return {
            "resume": True,
            "session": self.ws.session_id,
            "sequence": self.ws.sequence,
            "gateway": self.ws.gateway,
        }

    async def _spare_identifies(self) -> None:
        """When more than half of the day's beginnings are used up, spread the others over the rest of the day."""
        with suppress(*FAILURES):  # a gateway may be well while this cannot be asked
            async with asyncio.timeout(ASK_WITHIN_S):
                _, _, limit = await self.http.get_bot_gateway()
            await asyncio.sleep(spread_s(limit["total"], limit["remaining"], limit["reset_after"]))

    async def _drop(self) -> None:
        """Close what is left of a connection, in a way that keeps its session; the other side may be past answering."""
        with suppress(*FAILURES):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                if self.ws:
                    await self.ws.close(code=4000)

    def _tell(self, is_up: bool) -> None:
        if is_up is not self._is_up:
            self._is_up = is_up
            self._on_state(is_up)


def spread_s(total: int, remaining: int, reset_after_ms: int) -> float:
    """How many seconds to wait before one more IDENTIFY, so that they cannot run out before the count begins anew."""
    if remaining * 2 > total:
        return 0.0
    return max(0.0, reset_after_ms / 1000 / max(remaining, 1))


def pause_s(tries: int, *, is_new: bool) -> float:
    """Seconds until the next try: none for the first resumption; a new session waits 1 to 5 s, as Discord asks, then longer."""
    jitter = random.uniform(0.8, 1.2)  # noqa: S311 - not a secret
    grown = 0.0 if tries <= 1 else min(2.0 ** (tries - 2), PAUSE_MAX_S) * jitter
    return max(grown, random.uniform(1.0, 5.0)) if is_new else grown  # noqa: S311 - not a secret
