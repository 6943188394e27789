"""Our record of what goes on: an `Incident` joins the claims of one or more sources, and grows by one revision at each change.

Start reading here. How claims become an incident is in `correlate`, what changes when is in `decide`, and who is told is in
`delivery`. Incidents never change in place: `dataclasses.replace` makes the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from bot.domain.observation import Observation, Place, Update
from bot.domain.services import Affected
from bot.domain.words import Impact, Kind, Severity, Status


class Opening(StrEnum):
    """How we met an incident; it decides how loudly the headline speaks."""

    FRESH = "fresh"  # it began while we watched
    IN_PROGRESS = "in_progress"  # it was open when we first looked
    RETROACTIVE = "retroactive"  # it was already over when it was first listed


class Closure(StrEnum):
    """Why an incident counts as over."""

    STATED = "stated"  # a source said so
    UNLISTED = "unlisted"  # it left a list that holds only open ones
    LAPSED = "lapsed"  # its feed never says "over", and it has been quiet for long
    UNWATCHED = "unwatched"  # nobody looks any more at the only source that spoke of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one source last said about the incident; `said.updates` is empty, because the incident holds the updates.

    `seen_at` is our clock when the claim last changed. `gone` is set when the event left an open-only list, fell silent in
    a feed that never says "over", or is not looked at any more.
    """

    source: str
    said: Observation
    seen_at: datetime
    gone: Closure | None = None

    @property
    def is_over(self) -> bool:
        """True when this source says, by word or by absence, that nothing is going on."""
        return self.gone is not None or self.said.is_over

    @property
    def version(self) -> tuple[datetime, datetime]:
        """Orders bodies of one source: by the provider's clock, then by ours. A late copy of an old body changes nothing."""
        return (self.said.spoke_at or self.seen_at, self.seen_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Someone is on it."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One thing that goes on, in one ledger. Updates are oldest first; all times are UTC.

    `closed_at` is when *we* learned that it is over, `ended_at` when the provider says it ended. `channels` are those it was
    ever routed to: they hear all the rest, whatever the routes say later. `digests` are those among them that hear of it in
    their next digest only.
    """

    id: str
    provider: str
    kind: Kind
    title: str
    status: Status
    impact: Impact
    opened_at: datetime
    opening: Opening = Opening.FRESH
    severity: Severity | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime | None = None
    closed_at: datetime | None = None
    closure: Closure | None = None
    url: str | None = None
    places: tuple[Place, ...] = ()
    affected: tuple[Affected, ...] = ()
    updates: tuple[Update, ...] = ()
    claims: tuple[Claim, ...] = ()
    channels: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    acknowledged: Acknowledgement | None = None
    reopened: int = 0
    revision: int = 0

    @property
    def is_open(self) -> bool:
        """True while something is going on, or is announced to."""
        return not self.status.is_over

    @property
    def keys(self) -> tuple[str, ...]:
        """The providers' own names for it, one for each claim, without repeats."""
        return tuple(dict.fromkeys(claim.said.key for claim in self.claims))

    @property
    def newest(self) -> Update | None:
        """The update that people should read now, or None when the source gives no texts."""
        return self.updates[-1] if self.updates else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A key that a source has shown us: the incident it belongs to, or None when it was old news and stays silent.

    `listed_on` is the last day it was seen, so that the memory of a closed incident outlives the feed's own by a while.
    """

    incident: str | None
    listed_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """All that is remembered of one provider; commits of two providers never meet.

    `sources` maps each source seen so far to the time of its first sighting; one that is not in it is seen for the first
    time. `known` is keyed by `correlate.memory_key`.
    """

    provider: str
    revision: int = 0
    sources: Mapping[str, datetime] = field(default_factory=dict)
    incidents: Mapping[str, Incident] = field(default_factory=dict)
    known: Mapping[str, Known] = field(default_factory=dict)

    @property
    def open_incidents(self) -> tuple[Incident, ...]:
        """Those still going on, oldest first."""
        return tuple(i for i in sorted(self.incidents.values(), key=lambda i: i.opened_at) if i.is_open)


def revised(before: Incident | None, after: Incident) -> Incident:
    """`after` with the next revision when anything differs from `before`; `before` itself when nothing does."""
    if before is None:
        return after if after.revision == 1 else replace(after, revision=1)
    same = replace(after, revision=before.revision)
    return before if same == before else replace(after, revision=before.revision + 1)
