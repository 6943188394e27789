"""Where replies live: the thread of a headline, begun, woken and put to rest, and the posts of a forum. Used by `client`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

import discord

from bot.chats.discord.call import CHANNEL, MESSAGE, MESSAGES, Call
from bot.chats.discord.failures import (
    THREAD_EXISTS,
    THREAD_IS_ARCHIVED,
    UNKNOWN_CHANNEL,
    code_of,
    lost,
)
from bot.chats.discord.render import Body, plain, ref_of
from bot.chats.discord.rooms import Room
from bot.chats.discord.sharing import Shared
from bot.domain.conversation import Receipt
from bot.errors import Refused

PAGE_MESSAGES = 100  # the most that one answer holds
PAGE_THREADS = 100
ARCHIVE_PAGES_MAX = 10
THREAD_NAME_MAX_CHARS = 100
THREAD_SLEEPS_AFTER_MIN = 1_440  # one of 60, 1440, 4320, 10080; posting wakes a sleeping thread

POSTS = CHANNEL + "/threads"
THREADS = MESSAGE + "/threads"
ACTIVE = "/guilds/{guild_id}/threads/active"
ARCHIVED = POSTS + "/archived/public"

RefOf = Callable[[str], Awaitable[str]]  # the ref of a post's first message


async def send(call: Call, room: str, body: Body) -> str:
    """Post a message; gives its id."""
    return str((await call("POST", MESSAGES, body, creates=True, channel_id=room))["id"])


async def begin_post(call: Call, body: Body, *, name: str, tags: list[str]) -> str:
    """Begin a post in a forum; gives the id that it shares with its first message. Discord takes no nonce here."""
    message = {key: value for key, value in body.items() if key not in ("nonce", "enforce_nonce")}
    post = new_thread(name) | {"message": message} | ({"applied_tags": tags} if tags else {})
    return str((await call("POST", POSTS, post, creates=True, channel_id=call.channel))["id"])


async def reply(call: Call, headline: Receipt, body: Body, *, name: str, is_forum: bool) -> str:
    """Post into the headline's thread; only when Discord refuses is it begun or woken. A forum's post cannot be begun again."""
    call.may_be_gone = is_forum
    try:
        return await send(call, headline.message, body)
    except Refused as exc:
        if code_of(exc) == UNKNOWN_CHANNEL and not is_forum:
            await _start_thread(call, headline, name)
        elif code_of(exc) == THREAD_IS_ARCHIVED:
            await wake(call, headline.message)
        else:
            raise
    call.may_be_gone = True  # Discord begins no second thread under a headline whose thread was deleted
    return await send(call, headline.message, body)


async def wake(call: Call, thread: str) -> None:
    """Open an archived thread."""
    await call("PATCH", CHANNEL, {"archived": False}, channel_id=thread)


async def archive(call: Call, thread: str, tags: list[str]) -> None:
    """Put a thread to rest without locking it: whoever writes there next wakes it. `tags`, where given, replace a post's."""
    body: Body = {"archived": True}
    await call("PATCH", CHANNEL, body | ({"applied_tags": tags} if tags else {}), channel_id=thread)


async def find_message(call: Call, shared: Shared, room: str, ref: str, since: datetime) -> str | None:
    """The id of our message with this ref, reading all of the room from `since` on."""
    me = await call.me()
    # To the minute: those who look at the same time then ask the same.
    after = discord.utils.time_snowflake(since.replace(second=0, microsecond=0))
    while True:
        page = await shared.read(call, MESSAGES, {"after": after, "limit": PAGE_MESSAGES}, channel_id=room)
        for message in page:
            if message["author"]["id"] == me and ref_of(message) == ref:
                return str(message["id"])
        if len(page) < PAGE_MESSAGES:
            return None
        after = max(int(message["id"]) for message in page)


async def find_post(
    call: Call, shared: Shared, room: Room, ref: str, since: datetime, *, ref_of_post: RefOf
) -> str | None:
    """The id of our post whose first message has this ref, among all that were begun since then, open or archived."""
    me = await call.me()
    oldest = discord.utils.time_snowflake(since)
    async for thread in _threads(call, shared, room, since):
        is_ours = str(thread.get("parent_id")) == call.channel and str(thread.get("owner_id")) == me
        if not is_ours or int(thread["id"]) < oldest:
            continue
        try:
            if await ref_of_post(str(thread["id"])) == ref:
                return str(thread["id"])
        except Refused as exc:
            if not exc.gone:  # its first message was deleted: it is not what we look for
                raise
    return None


async def _threads(call: Call, shared: Shared, room: Room, since: datetime) -> AsyncIterator[Any]:
    """The posts of a forum: the open ones, then those archived since then, which may have been begun since then too."""
    for thread in (await shared.read(call, ACTIVE, guild_id=room.guild))["threads"]:
        yield thread
    query: Body = {"limit": PAGE_THREADS}
    for _ in range(ARCHIVE_PAGES_MAX):
        page = await shared.read(call, ARCHIVED, query, channel_id=call.channel)
        for thread in page["threads"]:
            yield thread
        if not page.get("has_more") or not page["threads"]:
            return
        archived_at = page["threads"][-1]["thread_metadata"]["archive_timestamp"]  # the newest come first
        if datetime.fromisoformat(archived_at) < since:
            return
        query = {"limit": PAGE_THREADS, "before": archived_at}
    raise lost(call.channel, "more archived posts than we read", may_have_arrived=True)


async def _start_thread(call: Call, headline: Receipt, name: str) -> None:
    try:
        await call(
            "POST",
            THREADS,
            new_thread(name),
            channel_id=headline.channel,
            message_id=headline.message,
        )
    except Refused as exc:
        if code_of(exc) != THREAD_EXISTS:  # another replica may begin it at the same moment
            raise


def new_thread(name: str) -> Body:
    """The body of a thread with this name, cut to what Discord takes."""
    title = plain(name, THREAD_NAME_MAX_CHARS) or "Incident"
    return {"name": title, "auto_archive_duration": THREAD_SLEEPS_AFTER_MIN}
