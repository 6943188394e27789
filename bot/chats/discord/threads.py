"""Where replies live: the thread of a headline, begun, woken and put to rest, and the posts of a forum. Used by `client`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import discord

from bot.chats.discord.call import CHANNEL, MESSAGE, MESSAGES, Call
from bot.chats.discord.failures import (
    THREAD_EXISTS,
    THREAD_IS_ARCHIVED,
    UNKNOWN_CHANNEL,
    code_of,
)
from bot.chats.discord.render import Body, plain, ref_of
from bot.chats.discord.rooms import Room
from bot.chats.reading import Page, Stretch, Told
from bot.domain.conversation import Receipt
from bot.errors import Refused

PAGE_MESSAGES = 100  # the most that one answer holds
PAGE_THREADS = 100
LAST_ARCHIVED = "last archived"  # the place where reading them begins
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


async def page_of_messages(call: Call, room: str, stretch: Stretch) -> Page:
    """What was written in a channel or thread."""
    me, query = await call.me(), {"limit": PAGE_MESSAGES}
    before = int(stretch.cursor or stretch.until or 0)
    messages = await call(
        "GET", MESSAGES, query=query | ({"before": before} if before else {}), channel_id=room
    )
    ids = [int(each["id"]) for each in messages]
    is_last = len(ids) < PAGE_MESSAGES or min(ids) <= stretch.after
    asked_for = [each for each in messages if int(each["id"]) > stretch.after]
    refs = {str(each["id"]): ref_of(each) for each in asked_for if each["author"]["id"] == me}
    return Page(
        ours=[Told(message=message, key=ref, at=int(message)) for message, ref in refs.items() if ref],
        count=len(ids),
        newest=max(ids, default=0),
        oldest=min(ids, default=0),
        cursor="" if is_last else str(min(ids)),
    )


async def page_of_posts(call: Call, room: Room, stretch: Stretch, ref_of_post: RefOf) -> Page:
    """The posts of a forum: the open ones, then those archived since then, which may have been begun since then too.

    Only the first messages of posts that may be what is looked for are read.
    """
    me, ours = await call.me(), []
    listed, cursor = await (_archived(call, stretch) if stretch.cursor else _open(call, room))
    for post in listed:
        number = int(post["id"])
        is_asked_for = stretch.after < number <= (stretch.until or number)
        is_ours = str(post.get("parent_id")) == call.channel and str(post.get("owner_id")) == me
        if is_asked_for and is_ours and (ref := await _ref_if_there(ref_of_post, str(number))):
            ours.append(Told(message=str(number), key=ref, at=number))
    if not stretch.cursor:  # the open ones are those of the whole server
        newest = max((int(each["id"]) for each in listed), default=0)
        return Page(ours=ours, count=0, newest=newest, oldest=newest, cursor=cursor)
    # What was begun since the last of them was archived was archived since, too.
    oldest = discord.utils.time_snowflake(datetime.fromisoformat(cursor)) if cursor else 0
    return Page(ours=ours, count=len(listed), newest=0, oldest=oldest, cursor=cursor)


async def _ref_if_there(ref_of_post: RefOf, post: str) -> str:
    try:
        return await ref_of_post(post)
    except Refused as exc:
        if exc.gone:  # its first message was deleted: it is not what we look for
            return ""
        raise


async def _open(call: Call, room: Room) -> tuple[Sequence[Any], str]:
    return (await call("GET", ACTIVE, guild_id=room.guild))["threads"], LAST_ARCHIVED


async def _archived(call: Call, stretch: Stretch) -> tuple[Sequence[Any], str]:
    """A page of them, the last archived first."""
    query: Body = {"limit": PAGE_THREADS}
    if stretch.cursor != LAST_ARCHIVED:
        query["before"] = stretch.cursor
    page = await call("GET", ARCHIVED, query=query, channel_id=call.channel)
    posts = page["threads"]
    if not page.get("has_more") or not posts:
        return posts, ""
    archived_at = str(posts[-1]["thread_metadata"]["archive_timestamp"])
    is_last = datetime.fromisoformat(archived_at) < discord.utils.snowflake_time(int(stretch.after))
    return posts, "" if is_last else archived_at


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
