"""What a dry run counts: messages and what was held back, while a recorded day goes through the worker's own path.

Used by `bot.replay`, where a configuration is tried out. The holds themselves are the outbox's; here they are only noted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.channels import next_digest
from bot.domain.conversation import Conversation, StepKind, Why
from bot.domain.incident import Incident
from bot.domain.routing import BUILT_IN
from bot.domain.rules import Rules
from bot.pipeline.outbox import Delivered
from bot.ports import Claimed, Clock
from bot.store.redis import Functions, RedisOutbox

_DAY = timedelta(days=1)

Place = tuple[str, str, str]  # provider, incident, channel


class NotingOutbox(RedisOutbox):
    """The worker's outbox, which takes down what was held back, and why."""

    def __init__(self, functions: Functions) -> None:
        super().__init__(functions)
        self.held: dict[Why, set[Place]] = {why: set() for why in Why}

    async def settle(self, claimed: Claimed, talk: Conversation, due_at: datetime | None) -> bool:
        """Note what holds it back, then write it."""
        if talk.held is not None:
            self.held[talk.held.why].add((talk.provider, talk.subject, talk.channel))
        return await super().settle(claimed, talk, due_at)


class VirtualLimiter:
    """ports.Limiter by the recording's own time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, datetime]] = {}

    async def take(self, bucket: str, per_second: float, burst: int) -> timedelta:
        """Take one token, or say how long to wait."""
        now = self._clock.now()
        left, at = self._left.get(bucket, (float(burst), now))
        left = min(float(burst), left + (now - at).total_seconds() * per_second)
        if left < 1:
            return timedelta(seconds=(1 - left) / per_second)
        self._left[bucket] = (left - 1, now)
        return timedelta()

    async def rest(self, bucket: str, span: timedelta) -> None:
        """A recording's chats never ask for it."""


@dataclass(slots=True)
class Tally:
    """What a configuration would have posted. `messages` counts them by channel, without edits."""

    rules: Rules
    messages: Counter[str] = field(default_factory=Counter)
    incidents: dict[tuple[str, str], Incident] = field(default_factory=dict)
    held: dict[Why, set[Place]] = field(default_factory=dict)
    first_at: datetime | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None

    def take(self, done: Delivered) -> None:
        """Count one message that a chat was sent."""
        if done.step.kind is not StepKind.EDIT:
            self.messages[done.talk.channel] += 1
            self.first_at = self.first_at or done.at

    def saw(self, incidents: Iterable[Incident], at: datetime) -> None:
        """Remember the incidents as they stand at that moment of the recording."""
        self.began_at, self.ended_at = self.began_at or at, at
        self.incidents |= {(i.provider, i.id): i for i in incidents}

    @property
    def words(self) -> str:
        """The sentence that people read; zeros are said too, because they are an answer."""
        held = {why: len(places) for why, places in self.held.items()}
        return (
            f"With this configuration {self._span()} would have posted {self._posted()};"
            f" {self._only_digests()}, {held.get(Why.QUIET, 0)} held back by quiet hours,"
            f" {held.get(Why.CAP, 0)} by the cap"
        )

    def _span(self) -> str:
        days = (self.ended_at - self.began_at).days if self.began_at and self.ended_at else 0
        return f"the recorded {days + 1} days" if days >= 1 else "the recorded day"

    def _posted(self) -> str:
        total = self.messages.total()
        if not total or self.first_at is None or self.began_at is None or self.ended_at is None:
            return "no message"
        day = f"{self.first_at:%Y-%m-%d} " if self.ended_at - self.began_at >= _DAY else ""
        listed = ", ".join(f"{channel} {count}" for channel, count in self.messages.most_common())
        many = "message" if total == 1 else "messages"
        return f"{total} {many}, the first at {day}{self.first_at:%H:%M}Z: {listed}"

    def _only_digests(self) -> str:
        """Incidents that no channel with digests hears at once, and when the next digest is due."""
        waiting = [i for i in self.incidents.values() if i.digests and not _is_loud(i)]
        channels = {c for i in waiting for c in i.digests}
        many = "incident" if len(waiting) == 1 else "incidents"
        if not channels or self.ended_at is None:
            return f"{len(waiting)} {many} only in digests"
        manners = [self.rules.manners_of(channel) for channel in channels]
        due, zone = min((next_digest(m, self.ended_at), str(m.zone)) for m in manners)
        zones = {str(m.zone): m.zone for m in manners}
        local = due.astimezone(zones[zone])
        return f"{len(waiting)} {many} only in digests (next {local:%H:%M %Z})"


def _is_loud(incident: Incident) -> bool:
    return any(c not in incident.digests and c.partition(":")[0] not in BUILT_IN for c in incident.channels)
