"""What kind of channel an id names: one of text, or a forum where each headline is a post.

Discord is asked, and its word kept for an hour. Used by `client`, which speaks differently to the two.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.chats.discord.call import CHANNEL, Call
from bot.chats.discord.failures import code_of, status_of
from bot.domain.card import Card, Tone
from bot.errors import RateLimited, Refused, Unavailable

FORUM, MEDIA = 15, 16  # types of channels: docs.discord.com/developers/resources/channel (read 2026-08)
REQUIRE_TAG = 1 << 4
KNOWN_FOR_S = 3_600.0
ROOMS_KEPT = 1_000

_WORDS = {
    Tone.CRITICAL: {"outage", "down"},
    Tone.MAJOR: {"outage"},
    Tone.MINOR: {"degraded"},
    Tone.INFO: {"information", "info"},
    Tone.MAINTENANCE: {"maintenance"},
    Tone.OVER: {"over", "resolved", "closed", "completed"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A label of a forum. One that only moderators may put on is `is_moderated`."""

    id: str
    name: str
    is_moderated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is known of a channel."""

    is_forum: bool = False
    guild: str = ""
    needs_tag: bool = False
    tags: tuple[Tag, ...] = ()


class Rooms:
    """The channels we speak to, each asked about once an hour, some 1,000 at most."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, Room]] = OrderedDict()

    def forget(self, channel: str) -> bool:
        """Ask anew next time; False when nothing was known, so that asking again changes nothing."""
        return self._known.pop(channel, None) is not None

    async def look(self, call: Call, channel: str) -> Room:
        """What the channel is. While Discord cannot say, what it was an hour ago still holds.

        Raises ChatError as any request does.
        """
        now = asyncio.get_running_loop().time()
        asked_at, room = self._known.get(channel, (float("-inf"), None))
        if room and now - asked_at < KNOWN_FOR_S:
            return room
        try:
            fresh = _room(await call("GET", CHANNEL, channel_id=channel))
        except (Unavailable, RateLimited):
            if room is None:
                raise
            return room
        except Refused as exc:
            if status_of(exc) == 404 and not code_of(exc):
                return (
                    Room()
                )  # something in Discord's place that does not know this route: the verb itself will tell
            raise
        self._remember(channel, now, fresh)
        return fresh

    def _remember(self, channel: str, now: float, room: Room) -> None:
        self._known[channel] = (now, room)
        self._known.move_to_end(channel)
        if len(self._known) > ROOMS_KEPT:
            self._known.popitem(last=False)


def tags_for(room: Room, card: Card) -> list[str]:
    """The ids of the tags for a post, where the forum asks for one: that which is named like the state, else the first."""
    if not room.needs_tag or not room.tags:
        return []
    words = {card.tone.value, *_WORDS[card.tone], *(s.heading.strip().casefold() for s in card.sections[:1])}
    ours = [tag for tag in room.tags if not tag.is_moderated] or list(room.tags)
    named = [tag for tag in ours if tag.name.strip().casefold() in words]
    return [(named or ours)[0].id]


def _room(info: Any) -> Room:
    if not isinstance(info, Mapping):
        return Room()
    tags = tuple(
        Tag(id=str(tag["id"]), name=str(tag.get("name", "")), is_moderated=bool(tag.get("moderated")))
        for tag in info.get("available_tags") or ()
        if isinstance(tag, Mapping) and tag.get("id")
    )
    flags = info.get("flags")
    return Room(
        is_forum=info.get("type") in (FORUM, MEDIA),
        guild=str(info.get("guild_id") or ""),
        needs_tag=isinstance(flags, int) and bool(flags & REQUIRE_TAG),
        tags=tags,
    )
