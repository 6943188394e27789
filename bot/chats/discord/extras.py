"""What is done beside a message: pins, and archiving the thread of what is over. It may fail; the message never does.

Called by `client` after a message was posted or edited. Each extra has two seconds; what Discord forbids is not tried again
for an hour.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from bot.chats.discord import threads
from bot.chats.discord.call import MESSAGE, MESSAGES, Call
from bot.chats.discord.failures import (
    FAILURES,
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    NAME,
    THREAD_IS_ARCHIVED,
    TOO_MANY_PINS,
    UNKNOWN_CHANNEL,
    UNKNOWN_MESSAGE,
    code_of,
)
from bot.errors import ChatError, Refused
from bot.telemetry import Event, log

WITHIN_S = 2.0
FORBIDDEN_FOR_S = 3_600.0
KEPT = 2_000
LATEST = 10  # messages among which "pinned a message" is looked for, right after pinning
PINNED_A_MESSAGE = 6  # type of a message: docs.discord.com/developers/resources/message (read 2026-08)

_FORBIDDEN = frozenset({MISSING_ACCESS, MISSING_PERMISSIONS, TOO_MANY_PINS})
_NOTHING_THERE = frozenset({UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, THREAD_IS_ARCHIVED})
PIN = MESSAGES + "/pins/{message_id}"


class Extras:
    """Pins and archiving, with a memory of what was done and of what is forbidden; both are bounded."""

    def __init__(self) -> None:
        self._forbidden_until: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._pinned: OrderedDict[str, bool] = OrderedDict()

    async def pin(self, call: Call, message: str) -> None:
        """Pin a message and take Discord's "pinned a message" away; once, for people may unpin it and mean it."""
        if message in self._pinned:
            return
        if await self._done(call, "pin", lambda: _put_pin(call, message)):
            _note(self._pinned, message, True)
            await self._done(call, "hide the notice of a pin", lambda: _hush(call, message))

    async def unpin(self, call: Call, message: str) -> None:
        """Take the pin off."""
        await self._done(call, "unpin", lambda: _take_pin(call, message))

    async def archive(self, call: Call, thread: str, tags: list[str]) -> None:
        """Put a thread to rest, where there is one."""
        await self._done(call, "archive a thread", lambda: threads.archive(call, thread, tags))

    async def _done(self, call: Call, what: str, work: Callable[[], Awaitable[None]]) -> bool:
        """True when it was done; False when not, whatever the reason, or when it is known to be forbidden."""
        key = (what, call.channel)
        if asyncio.get_running_loop().time() < self._forbidden_until.get(key, 0.0):
            return False
        try:
            async with asyncio.timeout(WITHIN_S):
                await work()
        except (ChatError, *FAILURES) as exc:
            self._failed(key, exc)
            return False
        return True

    def _failed(self, key: tuple[str, str], exc: BaseException) -> None:
        """Remember what is forbidden, and say so; what is missing or away passes in silence, for it is tried again."""
        if not isinstance(exc, Refused) or code_of(exc) in _NOTHING_THERE:
            return
        if code_of(exc) in _FORBIDDEN:
            _note(self._forbidden_until, key, asyncio.get_running_loop().time() + FORBIDDEN_FOR_S)
        what, channel = key
        log().warning(
            Event.EXTRA_REFUSED, channel=f"{NAME}:{channel}", extra=what, reason=f"{exc} {exc.remedy}"
        )


async def _put_pin(call: Call, message: str) -> None:
    await call("PUT", PIN, channel_id=call.channel, message_id=message)


async def _take_pin(call: Call, message: str) -> None:
    await call("DELETE", PIN, channel_id=call.channel, message_id=message)


async def _hush(call: Call, message: str) -> None:
    """Delete what Discord wrote in our name about the pin of this message."""
    me = await call.me()
    for each in await call("GET", MESSAGES, query={"limit": LATEST}, channel_id=call.channel):
        about = (each.get("message_reference") or {}).get("message_id")
        if each["type"] == PINNED_A_MESSAGE and each["author"]["id"] == me and about == message:
            await call("DELETE", MESSAGE, channel_id=call.channel, message_id=each["id"])


def _note(memory: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    memory[key] = value
    if len(memory) > KEPT:
        memory.popitem(last=False)
