"""How each channel wants to be spoken to: its language and zone, its hours of quiet, its digests, how much it bears.

Built by `bot.config` from [[channel]] tables. Asked by the outbox before each step that would ring somebody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, time, tzinfo

from bot.domain.words import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Part of a week: from `start` to `end` (wall clock of the channel's zone) on each of `days` (Monday is 0).

    An `end` at or before `start` is on the next day. Without `start` and `end`, whole days.
    """

    days: frozenset[int] = frozenset(range(7))
    start: time = time(0)
    end: time = time(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """The wishes of one channel. `speaks_from` is the least severity that breaks the quiet; None: nothing does.

    `posts_per_hour` bounds what rings; SEV1 and edits are never counted. `mentions_per_hour` bounds how often roles are called.
    """

    language: str = "en"
    zone: tzinfo = UTC
    quiet: tuple[Span, ...] = ()
    speaks_from: Severity | None = Severity.SEV1
    digest_at: tuple[time, ...] = (time(9),)
    posts_per_hour: int | None = None
    mentions_per_hour: int = 6
    pins: bool = True
