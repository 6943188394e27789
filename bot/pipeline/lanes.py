"""Lanes and turns: what waits for its turn in a channel, and when that turn comes.

How fast a channel may be spoken to is shared by all replicas (`ports.Limiter`); how a chat fares is known to each. Used by the
outbox alone.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from bot.domain.conversation import Hold, Why
from bot.domain.words import Severity
from bot.pipeline.record import Saw, backoff
from bot.pipeline.sending import LEASE, Ready
from bot.pipeline.voice import Voice
from bot.ports import Claimed, Clock, Limiter

T = TypeVar("T")
REST_MAX = timedelta(seconds=15)  # a chat that fails is asked at least this often


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a chat may be spoken to: each of its channels, or, with `is_shared`, all of them together."""

    per_second: float
    burst: int
    is_shared: bool = False


class InWork:
    """The conversations that we claimed and have not let go of."""

    def __init__(self) -> None:
        self._since: dict[tuple[int, str, str], float] = {}

    def add(self, claimed: Iterable[Claimed]) -> None:
        """They are ours as of now."""
        now = time.monotonic()
        self._since.update((_place(one), now) for one in claimed)

    def since(self, claimed: Claimed) -> float:
        """Since when, by the monotonic clock."""
        return self._since.get(_place(claimed), 0.0)

    def done(self, claimed: Claimed) -> None:
        """It is let go of."""
        self._since.pop(_place(claimed), None)

    def count(self) -> int:
        """How many there are. Whatever became of a conversation, its lease ends, and with it our work on it."""
        oldest = time.monotonic() - LEASE.total_seconds()
        self._since = {place: since for place, since in self._since.items() if since > oldest}
        return len(self._since)


@dataclass(slots=True)
class Lane:
    """What waits for its turn in one channel, by the conversation's subject. One message is under way at a time."""

    channel: str
    verb: str
    waiting: dict[str, Ready] = field(default_factory=dict)

    @property
    def chat(self) -> str:
        """The chat's name: "slack"."""
        return self.channel.partition(":")[0]

    @property
    def is_held_back(self) -> bool:
        """True when something in it waited on purpose."""
        return any(ready.why for ready in self.waiting.values())

    def add(self, ready: Ready) -> None:
        """Let a step wait here."""
        self.waiting[ready.talk.subject] = ready

    def take(self, chosen: Sequence[Ready]) -> None:
        """The chosen no longer wait."""
        for ready in chosen:
            self.waiting.pop(ready.talk.subject, None)


class Turns:
    """Says when a lane may send. `saw` is told how each chat fares."""

    def __init__(
        self,
        clock: Clock,
        voice: Voice,
        limiter: Limiter | None,
        paces: Mapping[tuple[str, str], Pace],
        saw: Saw,
        bundles: Collection[str] = (),
    ) -> None:
        self._clock = clock
        self._bundles = bundles
        self._voice = voice
        self._limiter = limiter
        self._paces = paces
        self._saw = saw
        self._failed: dict[
            str, int
        ] = {}  # calls in a row, by chat, or by channel where a chat is a bundle of services
        self._rests_until: dict[str, datetime] = {}
        self._spoke_at: dict[str, float] = {}  # when a message arrived in a channel, by the monotonic clock

    def is_quiet(self, lane: Lane) -> bool:
        """True when a post may well be sent there at once: the chat is well, and we said nothing there lately."""
        spoke_at, pace = self._spoke_at.get(lane.channel), self._pace(lane)
        if lane.verb != "post" or self._who_fails(lane.channel) in self._rests_until:
            return False
        return spoke_at is None or pace is None or time.monotonic() - spoke_at > 1 / pace.per_second

    async def wait(self, lane: Lane) -> timedelta:
        """Zero when it is the lane's turn, which is then taken; else how long until it may be."""
        until = self._rests_until.get(self._who_fails(lane.channel))
        if until and (rest := until - self._clock.now()) > timedelta():
            return rest
        pace = self._pace(lane)
        if pace is None or self._limiter is None:
            return timedelta()
        gap = self._gap(lane, pace)
        return gap or await self._limiter.take(_bucket(lane, pace), pace.per_second, pace.burst)

    def _gap(self, lane: Lane, pace: Pace) -> timedelta:
        """What a busy moment took from the time between two messages: the chat counts from when they arrive."""
        spoke_at = self._spoke_at.get(lane.channel)
        if pace.burst > 1 or lane.verb != "post" or spoke_at is None:
            return timedelta()
        return max(timedelta(), timedelta(seconds=spoke_at + 1 / pace.per_second - time.monotonic()))

    async def timed(self, lane: Lane, sending: Awaitable[T]) -> T:
        """What `sending` gives; notes when it was in the channel, which is at its end at the latest."""
        try:
            return await sending
        finally:
            if lane.verb == "post":
                self._spoke_at[lane.channel] = time.monotonic()

    async def leave_alone(self, lane: Lane, span: timedelta) -> None:
        """The chat said for how long: no replica asks it before."""
        pace = self._pace(lane)
        if pace is not None and self._limiter is not None:
            await self._limiter.rest(_bucket(lane, pace), span)

    async def capped(self, lane: Lane, chosen: Sequence[Ready]) -> Hold | None:
        """The hold of a channel that bears no more messages in this hour; the worst incidents are told all the same."""
        most = self._voice.manners(lane.channel).posts_per_hour
        rings = [r for r in chosen if r.step.rings]
        if most is None or self._limiter is None or not rings:
            return None
        if any(r.incident.severity is Severity.SEV1 for r in rings):
            return None
        wait = await self._limiter.take(*hourly(lane.channel, most))
        return Hold(until=self._clock.now() + wait, why=Why.CAP) if wait else None

    def fared(self, channel: str, ok: bool, is_post: bool) -> None:
        """Who fails is asked less and less often, by one message at a time; the first success opens it again."""
        who = self._who_fails(channel)
        if who != channel:
            self._saw(who, ok, is_post)
        failures = self._failed.pop(who, 0)
        self._rests_until.pop(who, None)
        if not ok:
            self._failed[who] = failures + 1
            self._rests_until[who] = self._clock.now() + min(backoff(failures + 1), REST_MAX)

    def failures(self, channel: str) -> int:
        """How many calls in a row failed there."""
        return self._failed.get(self._who_fails(channel), 0)

    def _who_fails(self, channel: str) -> str:
        chat = channel.partition(":")[0]
        return channel if chat in self._bundles else chat

    def _pace(self, lane: Lane) -> Pace | None:
        """The chat's; further workspaces ("slack-acme") have that of the first."""
        return self._paces.get((lane.chat.partition("-")[0], lane.verb))


def hourly(channel: str, most: int) -> tuple[str, float, int]:
    """The bucket of a channel's hourly limit, its rate and its size: what a Limiter asks for."""
    return f"cap:{channel}", most / 3_600, most


def _bucket(lane: Lane, pace: Pace) -> str:
    return f"{lane.verb}:{lane.chat if pace.is_shared else lane.channel}"


def _place(claimed: Claimed) -> tuple[int, str, str]:
    """One claim: the same conversation may be claimed anew before the first claim's work is put away."""
    return (claimed.token, claimed.talk.subject, claimed.talk.channel)
