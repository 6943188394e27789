"""The updates within one entry of a status page's feed: Statuspage, LambStatus and Instatus put them all into its text.

Statuspage writes them newest first; Instatus in either order, under a few lines that name kind and components. Dates have no
year, as a rule. Whatever is not exactly as expected is not taken apart: a wrong date is worse than one long text. Called
by `rss`, and by the formats of those who write like them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.words import Kind, Status
from bot.sources.reading.feed import Entry
from bot.sources.reading.text import line, plain
from bot.sources.reading.times import moment, month_of, offset_of, when
from bot.sources.reading.vocabulary import folded, status_of

_HEAD = re.compile(
    r"<p>\s*<small>(.{4,200}?)</small>\s*<br\s*/?>\s*<strong>([A-Za-z][A-Za-z _-]{1,30})</strong>\s*-\s?",
    re.IGNORECASE | re.DOTALL,
)
# Statuspage puts this in front of the updates of an announced maintenance, with the time that it is planned for.
_PREAMBLE = re.compile(
    r"\s*(?:<p>\s*<strong>\s*THIS IS A SCHEDULED EVENT\s*(.{0,400}?)</strong>.{0,20}?</p>\s*)?",
    re.IGNORECASE | re.DOTALL,
)
_LAST_ZONE = re.compile(r"([A-Z]{1,5})\s*$", re.ASCII)  # "Jan 9, 14:00 - 18:00 UTC" names it once
_FACT = re.compile(  # Instatus begins with some of these
    r"\s*<p>\s*<strong>\s*([A-Za-z ]{2,30}):\s*</strong>([^<>]{0,2000})</p>\s*", re.IGNORECASE
)
_DATE = re.compile(  # with or without the tags that Statuspage puts around its parts
    r"([A-Z][a-z]{2,8})\s+(?:<var data-var='date'>\s*)?(\d{1,2})(?:</var>)?,?\s+(?:(\d{4}),?\s+)?"
    r"(?:<var data-var='time'>)?(\d{1,2}):(\d{2})(?::(\d{2}))?(?:</var>)?\s*((?:GMT|UTC)?[+-]\d{1,2}(?::?\d{2})?|[A-Z]{1,5})?",
    re.ASCII,
)
_LABELS = frozenset(
    {"investigating", "identified", "monitoring", "update", "resolved", "postmortem"}
    | {"scheduled", "in_progress", "verifying", "completed"}
)
_FACTS_MAX = 6
_SLACK = timedelta(days=2)  # between an entry's date and the text's, whose zone may be anything
_HALF_A_YEAR = 183
_FAR = timedelta(days=180)  # from any other year's day of the same date


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One update within an entry; `status` is None for the label "Update"."""

    posted_at: datetime
    status: Status | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """The updates of an entry, newest first, and what stands above them: Instatus' facts, Statuspage's planned begin."""

    updates: tuple[Block, ...] = ()
    is_planned: bool = False
    components: tuple[str, ...] = ()
    planned_at: datetime | None = None

    @property
    def newest(self) -> Block | None:
        """The last word, or None when the text is no list of updates."""
        return self.updates[0] if self.updates else None

    @property
    def began_at(self) -> datetime | None:
        """When it began: as planned, else with the first word that it is in progress, else with the first word of all."""
        posts = self.updates[::-1]
        begun = next((post.posted_at for post in posts if post.status is Status.IN_PROGRESS), None)
        return self.planned_at or begun or (posts[0].posted_at if posts else None)


def read(entry: Entry) -> Blocks:
    """The updates within an entry; none when anything about them is not as expected."""
    heads = list(_HEAD.finditer(entry.html))
    facts, start = _facts(entry.html) if heads else ({}, 0)
    preamble = _PREAMBLE.match(entry.html, start)
    if not heads or not preamble or heads[0].start() != preamble.end():
        return Blocks()
    ends = [head.start() for head in heads[1:]] + [len(entry.html)]
    pieces = [
        (head[1], folded(head[2]), entry.html[head.end() : end])
        for head, end in zip(heads, ends, strict=True)
    ]
    if facts and _is_oldest_first([date for date, _, _ in pieces]):
        pieces.reverse()
    is_planned = facts.get("type") == "maintenance"
    names = (name.strip() for name in facts.get("affected components", "").split(","))
    return Blocks(
        updates=_dated_all(entry, pieces, is_planned=is_planned),
        is_planned=is_planned,
        components=tuple(dict.fromkeys(line(name, max_chars=120) for name in names if name)),
        planned_at=_planned(entry, preamble[1]) if preamble[1] else None,
    )


def _planned(entry: Entry, written: str) -> datetime | None:
    """The begin of "Jan 9, 14:00 - 18:00 UTC", which is the next one after the entry's date."""
    near = entry.published_at or entry.updated_at
    found, zone = _DATE.match(written), _LAST_ZONE.search(written)
    month = month_of(found[1]) if found else None
    if not found or not month or near is None:
        return None
    offset = offset_of(found[7] or (zone[1] if zone else "UTC")) or timedelta()
    clock = timedelta(hours=int(found[4]), minutes=int(found[5]))
    years = [int(found[3])] if found[3] else [near.year - 1, near.year, near.year + 1]
    days = [moment(year, month, int(found[2]), clock, offset) for year in years]
    return min((at for at in days if at and at >= near - _SLACK), default=None)


def _facts(html: str) -> tuple[dict[str, str], int]:
    """The lines above the updates, as "type": "maintenance", and where they end."""
    facts: dict[str, str] = {}
    at = 0
    while len(facts) < _FACTS_MAX and (found := _FACT.match(html, at)):
        name, value = found[1].strip().casefold(), plain(found[2])
        facts.setdefault(name, value.casefold() if name == "type" else value)
        at = found.end()
    return facts, at


def _dated_all(
    entry: Entry, pieces: Sequence[tuple[str, str, str]], *, is_planned: bool
) -> tuple[Block, ...]:
    """The updates with their dates; none when one of them has no label that we know, or no date."""
    found: list[Block] = []
    near = entry.published_at or entry.updated_at
    kind = Kind.MAINTENANCE if is_planned else Kind.INCIDENT
    for written, label, html in pieces:
        at = _dated(written, near, is_newest=not found)
        if at is None or label not in _LABELS:
            return ()
        status = None if label == "update" else status_of(label, kind, [])
        if is_planned and entry.published_at and at < entry.published_at:
            status = (
                Status.SCHEDULED
            )  # Instatus says "Identified", and dates the entry when the work is to begin
        found.append(Block(posted_at=at, status=status, text=_without_second_stop(plain(html))))
        near = at
    return tuple(found)


def _without_second_stop(text: str) -> str:
    """Without the full stop that Instatus puts behind every text."""
    return text[:-1] if text.endswith("..") and not text.endswith("...") else text


def _is_oldest_first(dates: Sequence[str]) -> bool:
    """True when the way from the first date to the last, through the year, is the shorter one forwards."""
    ends = [_date_in(date) for date in (dates[0], dates[-1])]
    places = [
        ((month_of(found[1]) or 0) * 31 + int(found[2]), int(found[4]), int(found[5]), int(found[6] or 0))
        for found in ends
        if found
    ]
    if len(places) < 2:
        return False
    first, last = places
    if first[0] == last[0]:
        return first < last
    return (last[0] - first[0]) % (12 * 31) < _HALF_A_YEAR


def _date_in(html: str) -> re.Match[str] | None:
    return _DATE.fullmatch(html) or _DATE.fullmatch(plain(html))


def _dated(html: str, near: datetime | None, *, is_newest: bool) -> datetime | None:
    """The moment of "Aug 21, 00:37 UTC".

    The year is seldom written. The newest block's is the one nearest to the entry's date; an older one's is the last in
    which it does not come after its successor.
    """
    found = _date_in(html)
    month = month_of(found[1]) if found else None
    if not found or not month:
        return when(plain(html))
    offset = offset_of(found[7] or "UTC") or timedelta()
    clock = timedelta(0, 3600 * int(found[4]) + 60 * int(found[5]) + int(found[6] or 0))
    if found[3]:
        return moment(int(found[3]), month, int(found[2]), clock, offset)
    if near is None:
        return None
    day = int(found[2])
    same = moment(near.year, month, day, clock, offset)
    if same and -_FAR < same - near <= _SLACK:  # then no other year can be meant
        return same
    years = [moment(near.year + step, month, day, clock, offset) for step in (-4, -3, -2, -1, 0, 1)]
    if is_newest:
        return min((at for at in years if at), key=lambda at: abs(at - near), default=None)
    return max((at for at in years if at and at - near <= _SLACK), default=None)
