"""How soon to look at a source again: slowly while nothing goes on, quickly while something does.

Pure: `pipeline.pool` asks after each look, and the benchmarks replay real outages through the same function.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.incident import Incident
from bot.domain.words import Kind, Status

LINGER = timedelta(minutes=10)  # after the last incident closed: corrections and second failures come then
SUSPECT_FOR = timedelta(minutes=15)  # after a check of ours turned bad
WORDLESS_AFTER = timedelta(hours=24)  # an open incident that nobody writes about needs no hurry
QUIET_AFTER = timedelta(days=7)  # a page that did not change for so long
QUIET_FACTOR = 2
QUIET_MAX = timedelta(minutes=2)
RECONCILE_EVERY = timedelta(minutes=5)  # where the provider pushes: bounds what a lost push costs


@dataclass(frozen=True, slots=True, kw_only=True)
class Paces:
    """What a source may be asked: in `idle` times, while its provider has an incident (`live`), and while our own signals
    suspect it (`boost`). None of the three is ever undercut."""

    idle: timedelta
    live: timedelta
    boost: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What speaks for hurry or against it; None means never.

    `live_at`: when an incident of the provider was last open, or a sister on the same cloud last posted. `suspected_at`: when
    our own checks last pointed at it. `changed_at`: when the body last changed. `pushed_at`: when it last came unasked.
    """

    live_at: datetime | None = None
    suspected_at: datetime | None = None
    changed_at: datetime | None = None
    pushed_at: datetime | None = None


def interval(paces: Paces, signals: Signals, now: datetime) -> timedelta:
    """How long to wait until the next look, before jitter."""
    if _within(signals.suspected_at, SUSPECT_FOR, now):
        return min(paces.boost, paces.idle)
    if _within(signals.live_at, LINGER, now):
        return min(paces.live, paces.idle)
    if signals.pushed_at is not None:
        return max(paces.idle, RECONCILE_EVERY)
    if signals.changed_at is not None and now - signals.changed_at > QUIET_AFTER:
        return max(paces.idle, min(QUIET_FACTOR * paces.idle, QUIET_MAX))
    return paces.idle


def is_lively(incident: Incident, now: datetime) -> bool:
    """True while an incident may change at any minute: open, not merely announced, and spoken of within a day."""
    if not incident.is_open or incident.status is Status.SCHEDULED or incident.kind is Kind.BLINDNESS:
        return False
    spoke_at = incident.updated_at or incident.opened_at
    return now - max(spoke_at, incident.opened_at) <= WORDLESS_AFTER


def _within(at: datetime | None, span: timedelta, now: datetime) -> bool:
    return at is not None and abs(now - at) <= span  # a clock that was set back left it in the future
