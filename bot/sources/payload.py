"""What goes into a parser, and how a format describes itself. Every format module in this folder builds one `Format`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.observation import Listing, Observation
from bot.sources.fetching.auth import Auth


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """A body as it was fetched: raw bytes, lower-case header names, our clock and the final URL."""

    body: bytes
    fetched_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a parser may know of the source it reads for: the provider's name, and filters a user chose."""

    provider: str
    regions: tuple[str, ...] = ()
    components: tuple[str, ...] = ()


Parse = Callable[[Payload, Spec], tuple[Observation, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What `docs/sources.md` says of a format, in a few words each: who speaks it, what names an event, how one ends.

    `lost` names what the format cannot tell (history, bodies, update ids). `tested` says what it was read on; empty means from
    documentation, not tested against a capture.
    """

    vendors: tuple[str, ...]
    identity: str
    resolution: str
    lost: str = ""
    tested: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A provider's feed format.

    `listing` says what absence from a body means; where that depends on the body, `listing_of` says it for one body (ask
    `listed`, which knows both). `recognises` tells from a body alone whether it is of this format.
    `confirm_url` gives, for a source's URL, where what left an open-only list is kept: the same ids, closed ones too.
    `polls_at_least` is the shortest pace that its hosts ask for.
    `may_be_empty` is False where a valid body without incidents cannot be (it then closes nothing). `parse` is pure, gives
    observations in the body's order with updates oldest first, and raises ParseError (with what could be read in `partial`).
    """

    name: str
    listing: Listing
    parse: Parse
    recognises: Callable[[Payload], bool]
    about: About
    may_be_empty: bool = True
    body_max_bytes: int = 2 * 1024 * 1024
    listing_of: Callable[[Payload], Listing] | None = None
    confirm_url: Callable[[str], str | None] | None = None
    polls_at_least: timedelta = timedelta(0)

    def listed(self, payload: Payload) -> Listing:
        """What absence from this very body means."""
        return self.listing_of(payload) if self.listing_of else self.listing


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """One source: where it is, how often to look, and in which format it is (None: find out by looking).

    `name` is unique; sources of one provider share its ledger. `every` is the pace while nothing goes on, `live_every` while an
    incident of the provider is open, `boost_every` while our own signals suspect it. `allow_private` permits redirects to
    private addresses: `url` itself comes from an operator and may point anywhere, unless `is_from_people` (a command added
    it). `push_secret` opens the source's address for pushes; polling is then the fallback.
    """

    name: str
    provider: str
    url: str
    format: str | None = None
    every: timedelta = timedelta(seconds=60)
    live_every: timedelta = timedelta(seconds=10)
    boost_every: timedelta = timedelta(seconds=5)
    regions: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    allow_private: bool = False
    is_from_people: bool = False
    auth: Auth | None = None
    push_secret: str | None = field(default=None, repr=False)
    body_max_bytes: int = 2 * 1024 * 1024
