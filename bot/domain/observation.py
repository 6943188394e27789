"""What the world tells us: an `Observation` is one source's claim about one event, a `Sighting` is one good look at a source.

Parsers in `bot.sources` make observations from payloads, `domain.checks` makes them from our own probes, commands make them
from what people say. `decide` sees nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.words import Impact, Kind, Status

WATCHER = "fogbell"  # the provider, and the ledger, of what Fogbell says about its own sight
SELF = "self"  # the provider of what our own checks say, and the ledger of our services' incidents
TEXT_MAX_CHARS = 8_000  # text kept of one update; longer ones end in an ellipsis
UPDATES_MAX = 200  # updates kept of one incident; the oldest are dropped


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """A leaf of the dependency graph: something at a provider that can fail.

    `region` is None when unknown, and "global" only where the provider says so. Unknown does not mean unaffected.
    """

    provider: str
    component: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One dated text of a timeline.

    `id` is the provider's own, else derived from incident and time: never from the text alone, because texts are repeated and
    edited in place. `status` is None where the format has no status per update. `text` is plain text. `source` and
    `as_of` are set when an update enters an incident: who told it, and the moment of the body that worded it last, so that an
    older body cannot undo an edit.
    """

    id: str
    text: str
    posted_at: datetime | None = None
    status: Status | None = None
    source: str = ""
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one source says about one event, as of one body.

    `key` names the event within its source: the provider's own id where there is one (`is_native`), else a key that the
    parser derives from this body. `chain` joins derived keys over time: two derived keys of one chain may be one event (AWS
    moves the start of an open event, and with it the only key it has). Updates are oldest first. `url` is where people read
    more. `may_lapse` is True where the format may never say that an event is over (RSS): long silence then means over.
    `unknown_words` are statuses or impacts that we did not know and took for the worst plausible ones. `is_graded` is False
    where the source does not say how bad it is, and `impact` is our reader's guess.
    """

    provider: str
    format: str
    key: str
    is_native: bool
    title: str
    status: Status
    impact: Impact
    kind: Kind = Kind.INCIDENT
    began_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime | None = None
    url: str | None = None
    places: tuple[Place, ...] = ()
    updates: tuple[Update, ...] = ()
    chain: str | None = None
    may_lapse: bool = False
    unknown_words: tuple[str, ...] = ()
    is_graded: bool = True

    @property
    def is_over(self) -> bool:
        """True when the source says that nothing is going on any more."""
        return self.status.is_over

    @property
    def spoke_at(self) -> datetime | None:
        """When the source last said something about it, by the source's own clock."""
        times = [at for at in (self.updated_at, *(u.posted_at for u in self.updates)) if at]
        return max(times) if times else self.began_at


class Listing(StrEnum):
    """What a body lists, and so what absence from it means."""

    OPEN = "open"  # only what is open: whatever left it is over
    WINDOW = "window"  # open and closed ones, the newest n: what is missing among them was taken back
    PART = "part"  # a body that could be read only in part: absence means nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One good look at one source: everything its body said.

    A fetch that failed or a body that was cut is not a sighting. `listing` says what absence means. A clock sighting (source
    "clock") has no observations and makes nothing disappear: it lets time-dependent rules look again, and it may name the
    sources of the provider that are `unwatched`: nobody looks at them any more.
    """

    provider: str
    source: str
    seen_at: datetime
    observations: tuple[Observation, ...]
    listing: Listing = Listing.WINDOW
    unwatched: frozenset[str] = frozenset()
