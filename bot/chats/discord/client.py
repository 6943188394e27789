"""Messages out to Discord: `DiscordChat` is a ports.Chat over REST alone, so every replica may send without a gateway.

It never retries and never waits for a limit: the outbox does. Made by `wiring`, called by the outbox; how a Card looks is in
`render`, where replies live in `threads`, what an error means in `failures`.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import discord

from bot.chats.discord import threads
from bot.chats.discord.call import MESSAGE, Call
from bot.chats.discord.extras import Extras
from bot.chats.discord.failures import (
    NAME,
    NOT_A_TEXT_CHANNEL,
    TAG_REQUIRED,
    THREAD_IS_ARCHIVED,
    UNKNOWN_CHANNEL,
    UNREADABLE,
    code_of,
    lost,
)
from bot.chats.discord.render import Body, ref_of, render
from bot.chats.discord.rest import API_URL, PER_SECOND_MAX, Rest
from bot.chats.discord.rooms import Room, Rooms, tags_for
from bot.chats.reading import Page, Readings, Stretch
from bot.domain.card import Card
from bot.domain.conversation import Limits, Receipt
from bot.errors import Refused

TIMEOUT = timedelta(seconds=10)  # of a whole verb; less than half of the outbox's lease
CLOCK_SKEW = timedelta(minutes=1)  # message ids carry Discord's time, `since` is ours
REFS_KEPT = 2_000
READ_MAX = 5_000  # messages, or archived posts; Discord gives 100 of them a second
MARGIN = (
    10_000 << 22
)  # ids of ten seconds: they are given out by many of Discord's machines, each by its own clock


class DiscordChat:
    """Discord as a ports.Chat: a headline is a message, and replies go to the thread that hangs from it.

    Such a thread has the id of its message, so nothing about it needs remembering; the channel of every Receipt is the
    headline's. In a forum the headline is a post: the same, but that its message is inside the thread. A message carries our
    key twice: as Discord's nonce, which for some minutes answers a repeat with the first message (not in forums), and as a
    short ref in its footer, by which `find` knows it for good.
    """

    name = NAME
    limits = Limits(threads=True, edits=True, find=True, gathers=True)

    def __init__(
        self,
        *,
        token: str,
        api_url: str = API_URL,
        timeout: timedelta = TIMEOUT,
        per_second: int = PER_SECOND_MAX,
    ) -> None:
        self._token = token
        self._api_url = api_url
        self._timeout = timeout
        self._per_second = per_second
        self._rest: Rest | None = None
        self._refs: OrderedDict[str, str] = OrderedDict()  # message -> ref, to spare edits a look-up
        self._readings = Readings(most=READ_MAX, margin=MARGIN)
        self._rooms = Rooms()
        self._extras = Extras()

    def renew(self, token: str) -> None:
        """Use `token` from the next request on; those under way keep theirs. Whose it is will be asked when it matters."""
        self._token = token
        self._readings.forget()  # another bot's messages are not ours
        if self._rest:
            self._rest.token, self._rest.me = token, ""

    async def post(self, channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
        """Send a message, or a reply to the headline `thread`, whose thread is begun or woken as needed."""
        ref = key_ref(key)
        body = render(card, ref=ref) | {"nonce": key, "enforce_nonce": True}
        with self._asking(channel, creates=True) as call:
            room = await self._rooms.look(call, channel)
            if thread:
                message = await threads.reply(call, thread, body, name=card.title, is_forum=room.is_forum)
            else:
                message = await self._headline(call, card, body, room)
            receipt = _receipt(channel, message)
        self._remember(message, ref)
        if card.pin and not thread and not room.is_forum:
            await self._extras.pin(call, message)
        return receipt

    async def edit(self, receipt: Receipt, card: Card, *, thread: Receipt | None = None) -> None:
        """Change a message in place. Raises Refused(gone=True) when it, or the thread it was in, was deleted."""
        with self._asking(receipt.channel) as call:
            room = await self._rooms.look(call, receipt.channel)
            inside = thread or (receipt if room.is_forum else None)
            call.may_be_gone = inside is not None
            place = inside.message if inside else receipt.channel
            try:
                body = render(card, ref=await self._ref(call, place, receipt.message))
                body.pop("flags", None)  # settled when a message is created; an edit notifies nobody anyway
                now = await _changed(call, place, receipt.message, body)
            except Refused as exc:
                if exc.gone:
                    self._readings.drop(thread.message if thread else receipt.channel, receipt.message)
                raise
        if not thread:
            is_pinned = isinstance(now, dict) and bool(now.get("pinned"))
            await self._beside(call, receipt.message, card, room, is_pinned=is_pinned)

    async def find(
        self, channel: str, *, key: str, since: datetime, thread: Receipt | None = None
    ) -> Receipt | None:
        """Our message with this key since then, or None. The bot needs the permission to read the message history.

        Who looks at the same time shares the reading, and what could not be read in time is read on by the next call. Raises
        Uncertain when more than READ_MAX messages were written since.
        """
        ref, oldest = key_ref(key), discord.utils.time_snowflake(since - CLOCK_SKEW)
        room = thread.message if thread else channel
        with self._asking(channel) as call:
            try:
                reading = await call.in_time(
                    self._readings.look(
                        room, key=ref, since=oldest, ask=lambda stretch: self._page(call, thread, stretch)
                    )
                )
            except Refused as exc:
                self._readings.forget(room)
                if thread and code_of(exc) == UNKNOWN_CHANNEL:
                    return None  # the thread was never begun
                raise
        if reading is None:
            raise lost(channel, f"not among {READ_MAX} messages, and there are more", may_have_arrived=True)
        told = reading.ours.get(ref)
        return _receipt(channel, told.message) if told else None

    async def ping(self) -> None:
        """Return when Discord answers and takes our token."""
        with self._asking("") as call:
            if self._rest:
                await call("GET", "/users/@me")
            else:
                await call.log_in()  # asks the same

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        rest, self._rest = self._rest, None
        if rest:
            await rest.close()

    @contextmanager
    def _asking(self, channel: str, *, creates: bool = False) -> Iterator[Call]:
        """The requests of one verb. What is JSON, and not what Discord answers, is no answer."""
        try:
            yield Call(self._logged_in, channel, self._timeout)
        except UNREADABLE as exc:
            raise lost(channel, f"it makes no sense: {type(exc).__name__}", may_have_arrived=creates) from exc

    async def _logged_in(self) -> Rest:
        if self._rest:
            return self._rest
        rest, token = Rest(self._api_url, per_second=self._per_second), self._token
        try:
            rest.me = str((await rest.static_login(token))["id"])
            if token != self._token:  # renewed meanwhile
                rest.token, rest.me = self._token, ""
            self._rest = self._rest or rest  # another first call may have been faster
            return self._rest
        finally:
            if self._rest is not rest:
                await rest.close()

    async def _headline(self, call: Call, card: Card, body: Body, room: Room) -> str:
        """Post it as the channel wants it. What is remembered of a channel may be old: then it is asked about again, once."""
        try:
            return await _headline(call, card, body, room)
        except Refused as exc:
            if code_of(exc) not in (NOT_A_TEXT_CHANNEL, TAG_REQUIRED) or not self._rooms.forget(call.channel):
                raise
        return await _headline(call, card, body, await self._rooms.look(call, call.channel))

    async def _beside(self, call: Call, message: str, card: Card, room: Room, *, is_pinned: bool) -> None:
        """What a card asks for beside its words, after an edit of the headline."""
        if card.pin and not is_pinned and not room.is_forum:
            await self._extras.pin(call, message)
        if card.pin is False:
            if is_pinned and not room.is_forum:
                await self._extras.unpin(call, message)
            await self._extras.archive(call, message, tags_for(room, card))

    async def _page(self, call: Call, thread: Receipt | None, stretch: Stretch) -> Page:
        if thread:
            return await threads.page_of_messages(call, thread.message, stretch)
        room = await self._rooms.look(call, call.channel)
        if not room.is_forum:
            return await threads.page_of_messages(call, call.channel, stretch)
        call.may_be_gone = True
        return await threads.page_of_posts(call, room, stretch, lambda post: self._ref(call, post, post))

    async def _ref(self, call: Call, place: str, message: str) -> str:
        """The ref that the message carries: an edit must keep it. Raises Refused(gone=True) when the message is not there."""
        if message not in self._refs:
            self._remember(message, ref_of(await call("GET", MESSAGE, channel_id=place, message_id=message)))
        return self._refs[message]

    def _remember(self, message: str, ref: str) -> None:
        self._refs[message] = ref
        if len(self._refs) > REFS_KEPT:
            self._refs.popitem(last=False)


def key_ref(key: str) -> str:
    """The ten characters by which a message is known in its footer; a key begins like others, its hash does not."""
    return hashlib.sha256(key.encode()).hexdigest()[:10]


async def _headline(call: Call, card: Card, body: Body, room: Room) -> str:
    if room.is_forum:
        return await threads.begin_post(call, body, name=card.title, tags=tags_for(room, card))
    return await threads.send(call, call.channel, body)


async def _changed(call: Call, place: str, message: str, body: Body) -> Any:
    """What Discord answers to an edit; a thread that sleeps is woken for it."""
    try:
        return await call("PATCH", MESSAGE, body, channel_id=place, message_id=message)
    except Refused as exc:
        if code_of(exc) != THREAD_IS_ARCHIVED:
            raise
    await threads.wake(call, place)
    return await call("PATCH", MESSAGE, body, channel_id=place, message_id=message)


def _receipt(channel: str, message: str) -> Receipt:
    return Receipt(channel=channel, message=message, at=discord.utils.snowflake_time(int(message)))
