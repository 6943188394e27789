"""Messages out to Discord: `DiscordChat` is a ports.Chat over REST alone, so every replica may send without a gateway.

It never retries and never waits for a limit: the outbox does. Made by `wiring`, called by the outbox; how a Card looks is in
`render`, what an error means in `rest`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import discord
from discord.http import Route

from bot.chats.discord.render import Body, plain, ref_of, render
from bot.chats.discord.rest import (
    API_URL,
    FAILURES,
    NAME,
    THREAD_EXISTS,
    THREAD_IS_ARCHIVED,
    UNKNOWN_CHANNEL,
    Rest,
    code_of,
    failure,
    lost,
)
from bot.domain.card import Card
from bot.domain.delivery import Limits, Receipt
from bot.errors import Refused

TIMEOUT = timedelta(seconds=10)  # of a whole verb; less than half of the outbox's lease
CLOCK_SKEW = timedelta(minutes=1)  # message ids carry Discord's time, `since` is ours
PAGE_MESSAGES = 100  # the most that one answer holds
REFS_KEPT = 2_000
THREAD_NAME_MAX_CHARS = 100
THREAD_SLEEPS_AFTER_MIN = 1_440  # one of 60, 1440, 4320, 10080; posting wakes a sleeping thread

CHANNEL = "/channels/{channel_id}"
MESSAGES = CHANNEL + "/messages"
MESSAGE = MESSAGES + "/{message_id}"
THREADS = MESSAGE + "/threads"


class DiscordChat:
    """Discord as a ports.Chat: a headline is a message, and replies go to the thread that hangs from it.

    Such a thread has the id of its message, so nothing about it needs remembering; the channel of every Receipt is the
    headline's. A message carries our key twice: as Discord's nonce, which for some minutes answers a repeat with the first
    message, and as a short ref in its footer, by which `find` knows it for good.
    """

    name = NAME
    limits = Limits(threads=True, edits=True, find=True)

    def __init__(self, *, token: str, api_url: str = API_URL, timeout: timedelta = TIMEOUT) -> None:
        self._token = token
        self._api_url = api_url
        self._timeout = timeout
        self._rest: Rest | None = None
        self._refs: OrderedDict[str, str] = OrderedDict()  # message -> ref, to spare edits a look-up

    async def post(self, channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
        """Send a message, or a reply to the headline `thread`, whose thread is begun or woken as needed."""
        ref = key_ref(key)
        body = render(card, ref=ref) | {"nonce": key, "enforce_nonce": True}
        call = self._begin(channel)
        if thread is None:
            message = await _send(call, channel, body)
        else:
            message = await _reply(call, thread, body, name=card.title)
        self._remember(message["id"], ref)
        return _receipt(channel, message["id"])

    async def edit(self, receipt: Receipt, card: Card, *, thread: Receipt | None = None) -> None:
        """Change a message in place. Raises Refused(gone=True) when it, or the thread it was in, was deleted."""
        room = thread.message if thread else receipt.channel
        call = self._begin(receipt.channel, may_be_gone=thread is not None)
        body = render(card, ref=await self._ref(call, room, receipt.message))
        body.pop("flags", None)  # settled when a message is created; an edit notifies nobody anyway
        try:
            await call("PATCH", MESSAGE, body, channel_id=room, message_id=receipt.message)
        except Refused as exc:
            if code_of(exc) != THREAD_IS_ARCHIVED:
                raise
            await _wake(call, room)
            await call("PATCH", MESSAGE, body, channel_id=room, message_id=receipt.message)

    async def find(
        self, channel: str, *, key: str, since: datetime, thread: Receipt | None = None
    ) -> Receipt | None:
        """Our message with this key since then, or None. The bot needs the permission to read the message history."""
        room = thread.message if thread else channel
        call = self._begin(channel)
        try:
            message = await _search(call, room, key_ref(key), since - CLOCK_SKEW)
        except Refused as exc:
            if thread and code_of(exc) == UNKNOWN_CHANNEL:
                return None  # the thread was never begun
            raise
        return _receipt(channel, message) if message else None

    async def ping(self) -> None:
        """Return when Discord answers and takes our token."""
        call = self._begin("")
        if self._rest:
            await call("GET", "/users/@me")
        else:
            await call.log_in()  # asks the same

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        rest, self._rest = self._rest, None
        if rest:
            await rest.close()

    def _begin(self, channel: str, *, may_be_gone: bool = False) -> _Call:
        return _Call(self._logged_in, channel, self._timeout, may_be_gone)

    async def _logged_in(self) -> Rest:
        if self._rest:
            return self._rest
        rest = Rest(self._api_url)
        try:
            rest.me = str((await rest.static_login(self._token))["id"])
            self._rest = self._rest or rest  # another first call may have been faster
            return self._rest
        finally:
            if self._rest is not rest:
                await rest.close()

    async def _ref(self, call: _Call, room: str, message: str) -> str:
        """The ref that the message carries: an edit must keep it."""
        if message not in self._refs:
            self._remember(message, ref_of(await call("GET", MESSAGE, channel_id=room, message_id=message)))
        return self._refs[message]

    def _remember(self, message: str, ref: str) -> None:
        self._refs[message] = ref
        if len(self._refs) > REFS_KEPT:
            self._refs.popitem(last=False)


def key_ref(key: str) -> str:
    """The ten characters by which a message is known in its footer; a key begins like others, its hash does not."""
    return hashlib.sha256(key.encode()).hexdigest()[:10]


class _Call:
    """The requests of one verb: they share a deadline, and fail as nothing but ChatError."""

    def __init__(
        self, logged_in: Callable[[], Awaitable[Rest]], channel: str, timeout: timedelta, may_be_gone: bool
    ) -> None:
        self._logged_in = logged_in
        self._channel = channel
        self._until = asyncio.get_running_loop().time() + timeout.total_seconds()
        self._may_be_gone = may_be_gone

    async def log_in(self) -> Rest:
        """The client, which asked Discord who we are when it was made."""
        try:
            async with asyncio.timeout_at(self._until):
                return await self._logged_in()
        except FAILURES as exc:
            raise failure(exc, self._channel) from exc

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
        """The JSON that Discord answers. `creates` marks the request that must not be repeated blindly."""
        rest = await self.log_in()
        options = {"json": body} if body is not None else {"params": query or {}}
        try:
            async with asyncio.timeout_at(self._until):
                answer = await rest.request(Route(method, path, **ids), **options)
        except FAILURES as exc:
            gone = self._may_be_gone
            raise failure(exc, self._channel, may_have_arrived=creates, may_be_gone=gone) from exc
        if isinstance(answer, str):
            raise lost(self._channel, "an answer that is not JSON", may_have_arrived=creates)
        return answer


async def _send(call: _Call, room: str, body: Body) -> Any:
    return await call("POST", MESSAGES, body, creates=True, channel_id=room)


async def _reply(call: _Call, headline: Receipt, body: Body, *, name: str) -> Any:
    """Post into the headline's thread; only when Discord refuses is it begun or woken."""
    try:
        return await _send(call, headline.message, body)
    except Refused as exc:
        if code_of(exc) == UNKNOWN_CHANNEL:
            await _start_thread(call, headline, name)
        elif code_of(exc) == THREAD_IS_ARCHIVED:
            await _wake(call, headline.message)
        else:
            raise
    return await _send(call, headline.message, body)


async def _start_thread(call: _Call, headline: Receipt, name: str) -> None:
    body = {
        "name": plain(name, THREAD_NAME_MAX_CHARS) or "Incident",
        "auto_archive_duration": THREAD_SLEEPS_AFTER_MIN,
    }
    try:
        await call("POST", THREADS, body, channel_id=headline.channel, message_id=headline.message)
    except Refused as exc:
        if code_of(exc) != THREAD_EXISTS:  # another replica may begin it at the same moment
            raise


async def _wake(call: _Call, thread: str) -> None:
    await call("PATCH", CHANNEL, {"archived": False}, channel_id=thread)


async def _search(call: _Call, room: str, ref: str, since: datetime) -> str | None:
    """The id of our message with this ref, reading all of the room from `since` on."""
    me = (await call.log_in()).me
    after = discord.utils.time_snowflake(since)
    while True:
        page = await call("GET", MESSAGES, query={"after": after, "limit": PAGE_MESSAGES}, channel_id=room)
        for message in page:
            if message["author"]["id"] == me and ref_of(message) == ref:
                return str(message["id"])
        if len(page) < PAGE_MESSAGES:
            return None
        after = max(int(message["id"]) for message in page)


def _receipt(channel: str, message: str) -> Receipt:
    return Receipt(channel=channel, message=message, at=discord.utils.snowflake_time(int(message)))
