"""How each channel wants to be spoken to: its language and zone, its hours of quiet, its digests, how much it bears.

Built by `bot.config` from [[channel]] tables. Asked by the outbox before each step that would ring somebody. Wall clocks
become instants here, also on days on which the clocks are changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from bot.domain.words import Severity

LONGEST_QUIET = timedelta(days=8)  # a week and a day: whoever is quiet for longer would never speak
_DAY = timedelta(days=1)
_USUAL_DIGEST = (time(9),)


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
    Without `digest_at` a channel hears of nothing that could wait for a digest.
    """

    language: str = "en"
    zone: tzinfo = UTC
    quiet: tuple[Span, ...] = ()
    speaks_from: Severity | None = Severity.SEV1
    digest_at: tuple[time, ...] = _USUAL_DIGEST
    posts_per_hour: int | None = None
    mentions_per_hour: int = 6
    pins: bool = True


def quiet_until(manners: Manners, severity: Severity | None, now: datetime) -> datetime | None:
    """When the channel may be rung again, or None when it may now. Spans that touch are one; at most LONGEST_QUIET from now."""
    floor = manners.speaks_from
    if floor is not None and severity is not None and severity <= floor:
        return None
    until = now
    while until < now + LONGEST_QUIET:
        end = max((e for s in manners.quiet if (e := _end_of(s, until, manners.zone))), default=None)
        if end is None:
            break
        until = end
    return min(until, now + LONGEST_QUIET) if until > now else None


def next_digest(manners: Manners, after: datetime) -> datetime:
    """When the channel's first digest after `after` is due; what still waits in a channel without digests is told at 09:00.

    A digest rings, so one whose time lies in quiet hours comes at their end.
    """
    today = after.astimezone(manners.zone).date()
    days = (today + _DAY * n for n in range(3))
    times = (
        instant(datetime.combine(day, at), manners.zone)
        for day in days
        for at in manners.digest_at or _USUAL_DIGEST
    )
    due = min(at for at in times if at > after)
    return quiet_until(manners, None, due) or due


def is_always_quiet(quiet: tuple[Span, ...]) -> bool:
    """True when the spans leave no minute of the week, so that nothing would ever be said."""
    now = datetime(2024, 1, 1, tzinfo=UTC)
    return quiet_until(Manners(quiet=quiet), None, now) == now + LONGEST_QUIET


def instant(wall: datetime, zone: tzinfo, *, is_last: bool = False) -> datetime:
    """The moment, in UTC, at which clocks of the zone show `wall` (naive).

    Where they show it twice, the first moment, or the second with `is_last`; where they jump over it, the moment of the jump.
    """
    early, late = sorted(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early == late or early.astimezone(zone).replace(tzinfo=None) == wall:
        return late if is_last else early
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)


def _end_of(span: Span, at: datetime, zone: tzinfo) -> datetime | None:
    """When the span that holds `at` ends, or None when none does."""
    for day in _days_around(at, zone):
        if day.weekday() not in span.days:
            continue
        begins = instant(datetime.combine(day, span.start), zone)
        last = day if span.end > span.start else day + _DAY
        ends = instant(datetime.combine(last, span.end), zone, is_last=True)
        if begins <= at < ends:
            return ends
    return None


def _days_around(at: datetime, zone: tzinfo) -> Iterator[date]:
    """The days whose spans may hold `at`: today's, and yesterday's that go on after midnight."""
    today = at.astimezone(zone).date()
    yield from (today, today - _DAY)
