"""Any other RSS, RDF or Atom feed: one entry is one event.

Statuspage's and Instatus' history feeds put all updates of an incident into one entry; `blocks` takes them apart where that is
safe, and the id at the end of the link is the one that the page's JSON gives. Any other entry is one update, which is edited
as its text changes. Such a feed may never say that something is over, so every observation may lapse. An entry may be dated
ahead: LambStatus dates a maintenance when it is to begin.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading import blocks as within
from bot.sources.reading import feed
from bot.sources.reading.assemble import places_of, read_each, timeline
from bot.sources.reading.blocks import Block, Blocks
from bot.sources.reading.memo import Memo, size_of
from bot.sources.reading.shapes import today
from bot.sources.reading.text import clip, fingerprint, ident, line, plain
from bot.sources.reading.times import stamp
from bot.sources.reading.vocabulary import kind_of, stated_status, without_label

NAME = "rss"
_AHEAD = timedelta(days=1)  # a date that is only hours ahead may be in a zone that it does not name
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
MEMO: Memo[tuple[datetime, Observation]] = Memo()
_PAGE_ID = re.compile(r"/(?:incidents?|maintenances?)/([0-9A-Za-z]{8,40})/?(?:[?#].*)?$")


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The entries of a feed; one that says nothing at all is left out."""
    found = feed.read(payload)
    observations = told(found.entries, NAME, payload, spec)
    if found.is_cut:
        raise ParseError("the document ends before it is closed", partial=observations)
    return observations


def recognises(payload: Payload) -> bool:
    """True for every feed."""
    return feed.is_feed(payload)


def told(
    entries: Sequence[feed.Entry], format_: str, payload: Payload, spec: Spec
) -> tuple[Observation, ...]:
    """What the entries of a feed mean, whichever way it was written."""
    links = Counter(entry.link for entry in entries)
    return read_each(
        entries,
        lambda entry: _recalled(entry, format_, payload, spec, is_own_link=links[entry.link] == 1),
        spec,
        "entry",
    )


def _recalled(
    entry: feed.Entry, format_: str, payload: Payload, spec: Spec, *, is_own_link: bool
) -> Observation | None:
    """What an entry means, read once. Our clock matters while a time of it is ahead; only then is it read each time."""
    key = (entry, format_, spec.provider, is_own_link)
    known = MEMO.find(key)
    if known and known[0] <= payload.fetched_at:
        return known[1]
    found = _observation(entry, format_, payload, spec, is_own_link=is_own_link)
    if found:
        times = (entry.published_at, entry.updated_at, *(update.posted_at for update in found.updates))
        newest = max((at for at in times if at), default=_LONG_AGO)
        if newest <= payload.fetched_at:
            MEMO.keep(key, (newest, found), size_of(found) + sys.getsizeof(entry.html))
    return found


def _observation(
    entry: feed.Entry, format_: str, payload: Payload, spec: Spec, *, is_own_link: bool
) -> Observation | None:
    if not (entry.id or entry.link or entry.title or entry.html.strip()):
        return None
    key, is_native = _key(entry, is_own_link)
    blocks = within.read(entry)
    text = "" if blocks.updates else plain(entry.html)
    status = _status(entry, blocks.updates, text, payload)
    kind = Kind.MAINTENANCE if blocks.is_planned else kind_of(status)
    return Observation(
        provider=spec.provider,
        format=format_,
        key=key,
        is_native=is_native,
        title=without_label(entry.title) or clip(line(text), 120) or "Untitled",
        status=status,
        impact=Impact.MAINTENANCE if kind is Kind.MAINTENANCE else Impact.MINOR,
        is_graded=False,
        kind=kind,
        began_at=_began_at(entry, blocks, status, payload),
        ended_at=_ended_at(blocks.updates) if status.is_over else None,
        updated_at=_updated_at(entry, blocks, payload),
        url=entry.link,
        places=places_of(spec.provider, blocks.components),
        updates=_updates(key, entry, blocks, text, payload),
        may_lapse=True,
    )


def _key(entry: feed.Entry, is_own_link: bool) -> tuple[str, bool]:
    """The event's key, and whether it is the provider's own. A link that several entries share names none of them."""
    on_page = _PAGE_ID.search(entry.link or "")
    if on_page:
        return on_page[1], True
    if entry.id or (entry.link and is_own_link):
        return entry.id or ident(entry.link), True
    return fingerprint(entry.title, entry.published_text or entry.html[:2000]), False


def _status(entry: feed.Entry, blocks: Sequence[Block], text: str, payload: Payload) -> Status:
    """The newest state that a block or a label names; without one it goes on, or is announced when it is dated ahead."""
    for block in blocks:
        if block.status:
            return block.status
    at = entry.published_at
    is_ahead = at is not None and at > payload.fetched_at + _AHEAD
    return stated_status(entry.title, text) or (Status.SCHEDULED if is_ahead else Status.INVESTIGATING)


def _began_at(entry: feed.Entry, blocks: Blocks, status: Status, payload: Payload) -> datetime | None:
    """As its updates say; but what is planned begins when the entry is dated, where that is ahead or Instatus says so."""
    at = entry.published_at or entry.updated_at
    is_dated_ahead = status is Status.SCHEDULED and at is not None and at > payload.fetched_at
    if blocks.updates and not blocks.is_planned and not is_dated_ahead:
        return blocks.began_at
    return at


def _ended_at(blocks: Sequence[Block]) -> datetime | None:
    return next(
        (block.posted_at for block in reversed(blocks) if block.status and block.status.is_over), None
    )


def _updated_at(entry: feed.Entry, blocks: Blocks, payload: Payload) -> datetime | None:
    """When the entry last changed; today for one that is dated ahead, for nobody has spoken in the future."""
    newest = blocks.newest
    at = entry.updated_at or (newest.posted_at if newest else entry.published_at)
    return today(payload) if at and at > payload.fetched_at else at


def _updates(key: str, entry: feed.Entry, blocks: Blocks, text: str, payload: Payload) -> tuple[Update, ...]:
    if not blocks.updates:
        at = entry.published_at
        name = stamp(at, entry.published_text)
        posted_at = at or entry.updated_at
        is_ahead = posted_at is not None and posted_at > payload.fetched_at
        return (
            Update(id=f"{key}@{name}" if name else key, text=text, posted_at=None if is_ahead else posted_at),
        )
    updates = [
        Update(id=f"{key}@{stamp(b.posted_at)}", text=b.text, posted_at=b.posted_at, status=b.status)
        for b in blocks.updates
    ]
    return timeline(updates, newest_first=True, derived_ids=True)


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=(
            "any RSS, RDF or Atom feed",
            "the history feeds of Statuspage, Instatus, LambStatus and cState",
        ),
        identity="the id at the end of an incident's link, else guid or id, else title and date; an update: entry and time",
        resolution='a label, such as "Resolved" or "[Resolved]"; else long silence',
        lost="weight, and mostly places; single updates where the entry is one text",
        tested="captures of 2014 to 2026; Instatus and cState from documentation",
    ),
)
