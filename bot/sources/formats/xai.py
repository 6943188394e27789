"""xAI's feed: one item for each incident, its updates listed within, with a header that says where it stands.

The guid is xAI's own id. Status and severity stand in the header and, once more, as categories; both tell the present. Updates
come oldest first in one capture and newest first in another, and the last may be labelled "Updated" where the header says
resolved. Items stay for months. (Facts from a body of 2026, cut to one item, and one written by hand after the feed.)
"""

from __future__ import annotations

import re
from datetime import datetime

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading import feed
from bot.sources.reading.assemble import places_of, read_each, timeline
from bot.sources.reading.text import decode, fingerprint, ident, line, plain
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import folded, note, status_of

NAME = "xai"
HOME = "https://status.x.ai"
_OURS = re.compile(
    r"(?:(?!<item\b).)*?<link>\s*https?://status\.x\.ai/?\s*</link>", re.IGNORECASE | re.DOTALL
)
_THERE = re.compile(r"^https?://status\.x\.ai/", re.IGNORECASE)
_STATUS = re.compile(r"<h3>\s*Status:\s*([^<]{1,60})</h3>", re.IGNORECASE)
_SEVERITY = re.compile(r"<p>\s*Severity:\s*([^<]{1,60})</p>", re.IGNORECASE)
_RESOLVED_AT = re.compile(r"<p>\s*Resolved:\s*([^<]{1,60})</p>", re.IGNORECASE)
_HEAD = re.compile(r"<p>\s*<strong>([^<]{4,60})</strong>\s*</p>\s*<h3>([^<]{1,60})</h3>", re.IGNORECASE)
_COMPONENT = re.compile(r"^\s*\[([^\]]{1,120})\]\s*")
_HOST = re.compile(r"\s*\(([a-z0-9-]+)\.api\.x\.ai\)$", re.IGNORECASE)
_IMPACTS = {
    **dict.fromkeys(("available", "operational", "none"), Impact.NONE),
    **dict.fromkeys(("degraded", "minor"), Impact.MINOR),
    **dict.fromkeys(("partial", "partially_available", "major"), Impact.MAJOR),
    **dict.fromkeys(("unavailable", "outage", "critical"), Impact.CRITICAL),
    "maintenance": Impact.MAINTENANCE,
}


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The incidents of the feed, open and closed."""
    found = feed.read(payload)
    observations = read_each(found.entries, lambda entry: _observation(entry, spec), spec, "item")
    if found.is_cut:
        raise ParseError("the document ends before it is closed", partial=observations)
    return observations


def recognises(payload: Payload) -> bool:
    """True for a feed whose maker is xAI's status page, or that was fetched there."""
    is_there = _THERE.match(payload.url) is not None
    return feed.is_feed(payload) and (is_there or _OURS.match(decode(payload)[:4000]) is not None)


def _observation(entry: feed.Entry, spec: Spec) -> Observation:
    unknown: list[str] = []
    key = entry.id or ident(entry.link) or fingerprint(entry.title, entry.published_text)
    status = _status(entry, unknown)
    impact = _impact(entry, unknown)
    kind = Kind.MAINTENANCE if impact is Impact.MAINTENANCE else Kind.INCIDENT
    updates = _updates(entry, key, status)
    named = _COMPONENT.match(entry.title)
    component, region = _place(named[1] if named else "")
    newest = updates[-1].posted_at if updates else None
    ended_at = _dated(_RESOLVED_AT, entry.html) or newest
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=bool(entry.id or entry.link),
        title=(entry.title[named.end() :] if named else entry.title) or "Untitled",
        status=status,
        impact=impact,
        kind=kind,
        began_at=entry.published_at or (updates[0].posted_at if updates else None),
        ended_at=ended_at if status.is_over else None,
        updated_at=newest or entry.published_at,
        url=entry.link or HOME,
        places=places_of(spec.provider, [component] if component else [], [region] if region else []),
        updates=updates,
        unknown_words=tuple(unknown),
    )


def _status(entry: feed.Entry, unknown: list[str]) -> Status:
    """By the header, which is newer than the last label; by the last category where there is none."""
    said = _STATUS.search(entry.html)
    word = plain(said[1]) if said else next(iter(entry.categories[-1:]), None)
    return status_of(word, Kind.INCIDENT, unknown)


def _impact(entry: feed.Entry, unknown: list[str]) -> Impact:
    said = _SEVERITY.search(entry.html)
    if not said:
        return Impact.MINOR
    impact = _IMPACTS.get(folded(plain(said[1])))
    if impact is None:
        note(unknown, "severity", plain(said[1]))
    return impact or Impact.CRITICAL


def _updates(entry: feed.Entry, key: str, status: Status) -> tuple[Update, ...]:
    """The updates, oldest first; the newest is the end where the header says so and no label does."""
    heads = list(_HEAD.finditer(entry.html))
    if not heads:
        text = plain(entry.html)
        at = entry.published_at
        return (Update(id=f"{key}@{stamp(at)}", text=text, posted_at=at),) if text else ()
    ends = [head.start() for head in heads[1:]] + [len(entry.html)]
    found, states = [], []
    for head, end in zip(heads, ends, strict=True):
        label, posted_at = folded(plain(head[2])), when(plain(head[1]))
        states.append(_state(label))
        found.append(
            Update(
                id=f"{key}@{stamp(posted_at, plain(head[1]))}",
                text=plain(entry.html[head.end() : end]),
                posted_at=posted_at,
                status=states[-1],
            )
        )
    told = timeline(found, newest_first=False, derived_ids=True)
    if status.is_over and not any(state and state.is_over for state in states):
        return (*told[:-1], _ended(told[-1], status))
    return told


def _state(label: str) -> Status | None:
    """What a label says; nothing for "Updated", and for words that we do not know: the header knows better."""
    unknown: list[str] = []
    status = status_of(label, Kind.INCIDENT, unknown)
    return None if unknown else status


def _ended(update: Update, status: Status) -> Update:
    return Update(id=update.id, text=update.text, posted_at=update.posted_at, status=status)


def _dated(pattern: re.Pattern[str], html: str) -> datetime | None:
    found = pattern.search(html)
    return when(plain(found[1])) if found else None


def _place(named: str) -> tuple[str, str | None]:
    """ "API (us-east-1.api.x.ai)" is the API in a region."""
    host = _HOST.search(named)
    return (line(named[: host.start()]), host[1].casefold()) if host else (line(named), None)


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("xAI, `status.x.ai/feed.xml`",),
        identity="the guid (`INC...`); an update: incident and time",
        resolution="`Status: RESOLVED` in the item's header, whatever the last label says",
        lost="the weight of what is over",
        tested="a capture of 2026, cut to one item, and one written after the feed",
    ),
)
