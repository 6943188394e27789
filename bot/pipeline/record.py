"""What became of each step, for the audit, the metrics and the log; and how long to wait after a failure."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta

from bot import telemetry
from bot.domain.conversation import Conversation, Step
from bot.ports import Audit, Clock
from bot.telemetry import Event, log

BACKOFF_MAX = timedelta(minutes=1)
TOGETHER_FROM = 6  # failures in a row: about half a minute

Saw = Callable[[str, bool, bool], None]
"""Is told of a chat, or of a channel ("chat:id"), whether a call succeeded, and whether it was a post."""


class Record:
    """Takes down outcomes; without an audit, in the metrics and the log alone."""

    def __init__(self, audit: Audit | None, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock
        self._waits_until: dict[str, datetime] = {}  # by channel, as was said

    async def note(self, outcome: str, *steps: tuple[Conversation, Step]) -> None:
        """Count the outcome of steps and add them to the audit."""
        for talk, step in steps:
            telemetry.DELIVERIES.labels(talk.chat, step.kind.value, outcome).inc()
        if self._audit:
            at = self._clock.now().isoformat(timespec="milliseconds")
            await self._audit.append(*(_line(talk, step, outcome, at) for talk, step in steps))

    def later(self, talk: Conversation, reason: str) -> None:
        """Say that something has to be tried again."""
        log().warning(Event.DELIVERY_LATER, incident=talk.subject, channel=talk.channel, reason=reason)

    def later_together(self, talk: Conversation, reason: str, after: timedelta) -> None:
        """The same of a wait that the chat asks for: hundreds may wait in the channel, and it is said once until it is over."""
        now = self._clock.now()
        if now >= self._waits_until.get(talk.channel, now):
            self._waits_until[talk.channel] = now + after
            self.later(talk, reason)


def _line(talk: Conversation, step: Step, outcome: str, at: str) -> dict[str, str]:
    return {
        "at": at,
        "what": "delivery",
        "incident": talk.subject,
        "channel": talk.channel,
        "step": step.kind.value,
        "revision": str(step.revision),
        "reason": step.reason,
        "outcome": outcome,
    }


def again_at(channel: str, failures: int, now: datetime, after: timedelta | None = None) -> datetime:
    """When a conversation is tried again; `after` is the chat's wish.

    What failed for long comes once a minute, at the same moment as all else in its channel: when the chat is back they are
    told together, the worst first, and not one by one.
    """
    if after:
        return now + after
    if failures < TOGETHER_FROM:
        return now + backoff(failures)
    every = BACKOFF_MAX.total_seconds()
    since = (now.timestamp() - zlib.crc32(channel.encode())) % every  # each channel has a moment of its own
    return now + timedelta(seconds=every - since)


def together_at(now: datetime, after: timedelta) -> datetime:
    """When those come back whom a limit keeps waiting: at a full second, so that one answer may serve them all."""
    moment = now + after
    return moment + timedelta(microseconds=-moment.microsecond % 1_000_000)


def backoff(failures: int) -> timedelta:
    """How long to leave a conversation alone after so many failures in a row."""
    seconds = min(2.0 ** min(failures - 1, 10), BACKOFF_MAX.total_seconds())
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret
