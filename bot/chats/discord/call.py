"""The requests of one verb: they share a deadline, and fail as nothing but ChatError.

Made by `client`, used by `rooms`, `threads` and `extras`; it knows no cards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from discord.http import Route

from bot.chats.discord.failures import FAILURES, failure, lost
from bot.chats.discord.render import Body
from bot.chats.discord.rest import Rest

T = TypeVar("T")

CHANNEL = "/channels/{channel_id}"
MESSAGES = CHANNEL + "/messages"
MESSAGE = MESSAGES + "/{message_id}"


class Call:
    """Discord, for the length of one verb.

    `channel` is named in errors. `may_be_gone` is True once all further requests are about the inside of a thread: an unknown
    channel then means that somebody deleted it.
    """

    def __init__(self, logged_in: Callable[[], Awaitable[Rest]], channel: str, timeout: timedelta) -> None:
        self._logged_in = logged_in
        self._until = asyncio.get_running_loop().time() + timeout.total_seconds()
        self.channel = channel
        self.may_be_gone = False

    async def log_in(self) -> Rest:
        """The client, which asked Discord who we are when it was made."""
        return await self.in_time(self._logged_in())

    async def in_time(self, work: Awaitable[T]) -> T:
        """What the work gives, within the deadline; whatever goes wrong in it is a ChatError."""
        try:
            async with asyncio.timeout_at(self._until):
                return await work
        except FAILURES as exc:
            raise failure(exc, self.channel) from exc

    async def me(self) -> str:
        """The id of the bot's user."""
        rest = await self.log_in()
        if not rest.me:
            rest.me = str((await self("GET", "/users/@me"))["id"])
        return rest.me

    async def __call__(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        query: Body | None = None,
        creates: bool = False,
        **ids: str,
    ) -> Any:
        """The JSON that Discord answers, None for an empty answer. `creates` marks what must not be repeated blindly."""
        rest = await self.log_in()
        options = {"json": body} if body is not None else {"params": query or {}}
        try:
            async with asyncio.timeout_at(self._until):
                answer = await rest.request(Route(method, path, **ids), **options)
        except FAILURES as exc:
            gone = self.may_be_gone
            raise failure(exc, self.channel, may_have_arrived=creates, may_be_gone=gone) from exc
        if answer == "" and not creates:
            return None
        if not isinstance(answer, dict | list):
            raise lost(self.channel, "an answer that is not JSON", may_have_arrived=creates)
        return answer
