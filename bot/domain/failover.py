"""Whether a chat can be relied on: left after two minutes of failing, trusted again after five of health.

Pure. A chat that flaps must not drag the talk to and fro: the two spans differ. Who is told where follows from `usable`, which
`routing` asks for groups of the mode first_up. Kept by `bot.pipeline.health`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.routing import Group, Mode

LEAVE_AFTER = timedelta(minutes=2)
RETURN_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatHealth:
    """What is known of a chat.

    `failing_since` is the first failure after the last success, None while all is well; `healthy_since` the first success
    after the last failure of a chat that is `is_away`. While it `is_mute` a message could not be posted, and only one that
    can is a success: edits may work where nothing new is taken (Slack, 2025-02-26).
    """

    failing_since: datetime | None = None
    healthy_since: datetime | None = None
    is_away: bool = False
    away_since: datetime | None = None
    is_mute: bool = False

    @property
    def is_well(self) -> bool:
        """True when nothing speaks against it."""
        return self == ChatHealth()


def after_call(health: ChatHealth, *, ok: bool, now: datetime, is_post: bool = True) -> ChatHealth:
    """What a call to the chat teaches. A refusal is an answer: only what the chat could not do counts as a failure."""
    is_mute = health.is_mute or is_post
    if not ok:
        since = health.failing_since or now
        return judged(replace(health, failing_since=since, healthy_since=None, is_mute=is_mute), now)
    if health.is_mute and not is_post:
        return judged(health, now)
    healthy = health.healthy_since or now if health.is_away else None
    return judged(replace(health, failing_since=None, healthy_since=healthy, is_mute=False), now)


def judged(health: ChatHealth, now: datetime) -> ChatHealth:
    """The health as time goes by: away when it failed for long, back when it was healthy for long."""
    if health.is_away:
        is_back = health.healthy_since is not None and now - health.healthy_since >= RETURN_AFTER
        return ChatHealth() if is_back else health
    if health.failing_since is not None and now - health.failing_since >= LEAVE_AFTER:
        return replace(health, is_away=True, away_since=health.failing_since)
    return health


def stands_in_for(
    channel: str, groups: Iterable[Group], health: Mapping[str, ChatHealth]
) -> tuple[str, datetime] | None:
    """The chat in whose place the channel ("chat:id") speaks, and since when that one is away; None for none."""
    for group in groups:
        if group.mode is not Mode.FIRST_UP or channel not in group.channels:
            continue
        for preferred in group.channels[: group.channels.index(channel)]:
            chat = preferred.partition(":")[0]
            known = health.get(chat)
            if known and known.is_away and known.away_since:
                return chat, known.away_since
    return None
