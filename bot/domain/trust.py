"""How far a source can be believed right now. What nobody can see is never called fine.

`pipeline.watch` knows these facts, `commands` and `web` show them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LATE_AFTER_TURNS = 1.5  # a look is missing
BLIND_AFTER_TURNS = 3  # so many are missing that silence means nothing


class SourceState(StrEnum):
    """How well we see a source, from best to worst."""

    FRESH = "fresh"  # its newest good look is as recent as its pace promises
    LATE = "late"  # looks are missing, but not for long
    UNREACHABLE = "unreachable"  # it was seen once, and cannot be had or read now
    UNSEEN = "unseen"  # there was no good look yet


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """One line about one source. `last_good_at` is None for what was never seen; `open_incidents` counts its provider's."""

    provider: str
    name: str
    state: SourceState
    last_good_at: datetime | None = None
    open_incidents: int = 0

    @property
    def is_blind(self) -> bool:
        """True when its silence says nothing."""
        return self.state in {SourceState.UNREACHABLE, SourceState.UNSEEN}


def state_now(report: SourceReport, every: timedelta, now: datetime) -> SourceState:
    """How well the source is seen at `now`, when it is looked at once in `every`: a report grows old by itself."""
    if report.last_good_at is None:
        return SourceState.UNSEEN
    age = now - report.last_good_at
    if age > BLIND_AFTER_TURNS * every:
        return SourceState.UNREACHABLE
    return SourceState.LATE if age > LATE_AFTER_TURNS * every else SourceState.FRESH
