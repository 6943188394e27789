"""How far a source can be believed right now. What nobody can see is never called fine.

`pipeline.watch` knows these facts, `pipeline.sight` tells operators when a provider cannot be seen, `commands` and `web` show
them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.incident import Incident

LATE_AFTER_TURNS = 1.5  # a look is missing
BLIND_AFTER_TURNS = 3  # so many are missing that silence means nothing
SLACK = timedelta(seconds=10)  # reports reach the store a few seconds after the look
ZOMBIE_AFTER = timedelta(days=21)  # open for so long without a word
DISAGREE_AFTER = timedelta(minutes=15)  # two sources of one provider may be that far apart


class SourceState(StrEnum):
    """How well we see a source, from best to worst."""

    FRESH = "fresh"  # its newest good look is as recent as its pace promises
    LATE = "late"  # looks are missing, but not for long
    STALE = "stale"  # nobody looked for three turns
    CHANGED = "changed shape"  # it answers, and its body cannot be read any more or lost what it always held
    UNREACHABLE = "unreachable"  # it was seen once, and cannot be had now
    UNSEEN = "unseen"  # there was no good look yet

    @property
    def is_blind(self) -> bool:
        """True when a source's silence says nothing."""
        return self not in {SourceState.FRESH, SourceState.LATE}


class Trouble(StrEnum):
    """What was wrong with the last look."""

    UNREACHABLE = "unreachable"
    UNREADABLE = "unreadable"
    EMPTIED = "emptied"  # it lists nothing, where it always listed something


class Doubt(StrEnum):
    """What speaks against a source that is seen well."""

    PARTLY_READ = "read in part"  # some of its records make no sense
    DISAGREES = "disagrees"  # another source of the same provider says otherwise
    ZOMBIE = "open without a word for weeks"
    MOVED = "moved"  # it redirects for good: the address should be changed


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """What is known of one source.

    `last_good_at` is None for what was never seen; `failing_since` is the source's own outage clock, with the `reason` of the
    newest failure in plain words. `listed` counts what its last good body held; `open_incidents` counts its provider's.
    `doubts` are (what, in words) pairs. `every` is its pace while nothing goes on.
    """

    provider: str
    name: str
    state: SourceState
    last_good_at: datetime | None = None
    failing_since: datetime | None = None
    trouble: Trouble | None = None
    reason: str = ""
    changed_at: datetime | None = None
    pushed_at: datetime | None = None
    listed: int = 0
    doubts: tuple[tuple[Doubt, str], ...] = ()
    every: timedelta = timedelta(seconds=60)
    open_incidents: int = 0

    @property
    def is_blind(self) -> bool:
        """True when its silence says nothing."""
        return self.state.is_blind


def state_now(report: SourceReport, every: timedelta, now: datetime) -> SourceState:
    """How well the source is seen at `now`, when it is looked at once in `every`: a report grows old by itself."""
    if report.last_good_at is None:
        return SourceState.UNSEEN
    age = now - report.last_good_at
    if age > BLIND_AFTER_TURNS * every + SLACK:
        return _BLIND.get(report.trouble, SourceState.STALE)
    return SourceState.LATE if age > LATE_AFTER_TURNS * every + SLACK else SourceState.FRESH


_BLIND: dict[Trouble | None, SourceState] = {
    Trouble.UNREACHABLE: SourceState.UNREACHABLE,
    Trouble.UNREADABLE: SourceState.CHANGED,
    Trouble.EMPTIED: SourceState.CHANGED,
}


def doubts_about(source: str, incidents: Iterable[Incident], now: datetime) -> tuple[tuple[Doubt, str], ...]:
    """What a provider's incidents say against one of its sources: zombies, and contradictions between sources."""
    found: list[tuple[Doubt, str]] = []
    for incident in incidents:
        ours = next((c for c in incident.claims if c.source == source), None)
        if ours is None:
            continue
        spoke_at = ours.said.spoke_at or ours.seen_at
        begins_at = ours.said.began_at or spoke_at  # work that is announced for next month is no zombie
        if not ours.is_over and now - max(spoke_at, begins_at) > ZOMBIE_AFTER:
            found.append(
                (Doubt.ZOMBIE, f"{incident.id} is open there, and nothing was said since {spoke_at:%Y-%m-%d}")
            )
        others = [c for c in incident.claims if c.source != source and c.is_over != ours.is_over]
        if others and all(now - c.seen_at > DISAGREE_AFTER for c in (ours, *others)) and incident.is_open:
            ends = ("over", "open") if ours.is_over else ("open", "over")
            found.append(
                (Doubt.DISAGREES, f"it says {incident.id} is {ends[0]}, {others[0].source} says {ends[1]}")
            )
    return tuple(found)
