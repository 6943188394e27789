"""Any other RSS, RDF or Atom feed: one entry is one event.

Statuspage's history feeds put all updates of an incident into one entry; they are taken apart where that is safe, and the id
at the end of the link is the one that Statuspage's JSON gives. Any other entry is one update, which is edited as its text
changes. Such a feed may never say that something is over, so every observation may lapse.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources import feed
from bot.sources.assemble import places_of, read_each, timeline
from bot.sources.payload import Format, Payload, Spec
from bot.sources.text import clip, fingerprint, line, plain
from bot.sources.times import moment, month_of, offset_of, stamp, when
from bot.sources.vocabulary import folded, kind_of, stated_status, status_of, without_label

NAME = "rss"
_PAGE_ID = re.compile(r"/(?:incidents|maintenances)/([0-9A-Za-z]{8,40})/?(?:[?#].*)?$")
_HEAD = re.compile(
    r"<p>\s*<small>(.{4,200}?)</small>\s*<br\s*/?>\s*<strong>([A-Za-z][A-Za-z _-]{1,30})</strong>\s*-\s?",
    re.IGNORECASE | re.DOTALL,
)
# Statuspage puts this in front of the updates of an announced maintenance.
_PREAMBLE = re.compile(
    r"\s*(?:<p>\s*<strong>\s*THIS IS A SCHEDULED EVENT.{0,400}?</p>\s*)?", re.IGNORECASE | re.DOTALL
)
_DATE = re.compile(
    r"([A-Z][a-z]{2,8})\s+(\d{1,2}),?\s+(?:(\d{4}),?\s+)?(\d{1,2}):(\d{2})(?::\d{2})?\s*([A-Z]{1,5}|[+-]\d{2}:?\d{0,2})?",
    re.ASCII,
)
_LABELS = frozenset(
    {"investigating", "identified", "monitoring", "update", "resolved", "postmortem"}
    | {"scheduled", "in_progress", "verifying", "completed"}
)
_SLACK = timedelta(days=2)  # between an entry's date and the text's, whose zone may be anything


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """One update within a Statuspage entry; `status` is None for the label "Update"."""

    posted_at: datetime
    status: Status | None
    text: str


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The entries of a feed; one that says nothing at all is left out."""
    found = feed.read(payload)
    links = Counter(entry.link for entry in found.entries)
    observations = read_each(
        found.entries, lambda entry: _observation(entry, links[entry.link] == 1, spec), spec, "entry"
    )
    if found.is_cut:
        raise ParseError("the document ends before it is closed", partial=observations)
    return observations


def recognises(payload: Payload) -> bool:
    """True for every feed."""
    return feed.is_feed(payload)


def _observation(entry: feed.Entry, is_own_link: bool, spec: Spec) -> Observation | None:
    if not (entry.id or entry.link or entry.title or entry.html.strip()):
        return None
    key, is_native = _key(entry, is_own_link)
    blocks = _blocks(entry)
    text = plain(entry.html)
    status = _status(entry, blocks, text)
    kind = kind_of(status)
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=is_native,
        title=without_label(entry.title) or clip(line(text), 120) or "Untitled",
        status=status,
        impact=Impact.MAINTENANCE if kind is Kind.MAINTENANCE else Impact.MINOR,
        kind=kind,
        began_at=blocks[-1].posted_at if blocks else entry.published_at or entry.updated_at,
        ended_at=_ended_at(blocks) if status.is_over else None,
        updated_at=entry.updated_at or (blocks[0].posted_at if blocks else entry.published_at),
        url=entry.link,
        places=places_of(spec.provider, ()),
        updates=_updates(key, entry, blocks, text),
        may_lapse=True,
    )


def _key(entry: feed.Entry, is_own_link: bool) -> tuple[str, bool]:
    """The event's key, and whether it is the provider's own. A link that several entries share names none of them."""
    on_page = _PAGE_ID.search(entry.link or "")
    if on_page:
        return on_page[1], True
    if entry.id or (entry.link and is_own_link):
        return entry.id or entry.link or "", True
    return fingerprint(entry.title, entry.published_text or entry.html[:2000]), False


def _status(entry: feed.Entry, blocks: list[_Block], text: str) -> Status:
    """The newest state that a block or a label names; without one it counts as going on."""
    for block in blocks:
        if block.status:
            return block.status
    return stated_status(entry.title, text) or Status.INVESTIGATING


def _ended_at(blocks: list[_Block]) -> datetime | None:
    return next(
        (block.posted_at for block in reversed(blocks) if block.status and block.status.is_over), None
    )


def _updates(key: str, entry: feed.Entry, blocks: list[_Block], text: str) -> tuple[Update, ...]:
    if not blocks:
        at = entry.published_at
        name = stamp(at, entry.published_text)
        return (Update(id=f"{key}@{name}" if name else key, text=text, posted_at=at or entry.updated_at),)
    updates = [
        Update(id=f"{key}@{stamp(b.posted_at)}", text=b.text, posted_at=b.posted_at, status=b.status)
        for b in blocks
    ]
    return timeline(updates, newest_first=True, derived_ids=True)


def _blocks(entry: feed.Entry) -> list[_Block]:
    """The updates within an entry of Statuspage, newest first; empty when anything about them is not as expected."""
    heads = list(_HEAD.finditer(entry.html))
    preamble = _PREAMBLE.match(entry.html)
    if not heads or not preamble or heads[0].start() != preamble.end():
        return []
    ends = [head.start() for head in heads[1:]] + [len(entry.html)]
    blocks: list[_Block] = []
    near = entry.published_at or entry.updated_at
    for head, end in zip(heads, ends, strict=True):
        label = folded(head[2])
        at = _dated(plain(head[1]), near, is_newest=not blocks)
        if at is None or label not in _LABELS:
            return []
        status = None if label == "update" else status_of(label, Kind.INCIDENT, [])
        blocks.append(_Block(posted_at=at, status=status, text=plain(entry.html[head.end() : end])))
        near = at
    return blocks


def _dated(text: str, near: datetime | None, *, is_newest: bool) -> datetime | None:
    """The moment of "Aug 21, 00:37 UTC".

    The year is seldom written. The newest block's is the one nearest to the entry's date; an older one's is the last in
    which it does not come after its successor.
    """
    found = _DATE.fullmatch(text)
    month = month_of(found[1]) if found else None
    if not found or not month:
        return when(text)
    offset = offset_of(found[6] or "UTC") or timedelta()
    clock = timedelta(hours=int(found[4]), minutes=int(found[5]))
    if found[3]:
        return moment(int(found[3]), month, int(found[2]), clock, offset)
    if near is None:
        return None
    years = [moment(near.year + step, month, int(found[2]), clock, offset) for step in (-4, -3, -2, -1, 0, 1)]
    if is_newest:
        return min((at for at in years if at), key=lambda at: abs(at - near), default=None)
    return max((at for at in years if at and at <= near + _SLACK), default=None)


FORMAT = Format(name=NAME, listing=Listing.WINDOW, parse=parse, recognises=recognises)
