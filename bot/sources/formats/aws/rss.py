"""https://status.aws.amazon.com/rss/all.rss (and the feeds of single services): one item for each update, not for each event.

Events are made of chains: items of one service and region, newest first in the feed, cut where an item says [RESOLVED] or
nothing is said for a day. State and weight stand in the title's prefix alone, and most events never get their [RESOLVED].
(Facts from a recorded body of August 2026.)
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Status
from bot.errors import ParseError
from bot.sources.formats.aws import HOME, component_of, headline, is_resolved, region_of
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading import feed
from bot.sources.reading.assemble import places_of, read_each, timeline
from bot.sources.reading.memo import Memo, size_of
from bot.sources.reading.text import decode, fingerprint, line, plain
from bot.sources.reading.times import when
from bot.sources.reading.vocabulary import note

NAME = "aws-rss"
GAP_MAX = timedelta(hours=24)  # silences within one event of up to 7 hours were seen
_ADDRESS = re.compile(r"^https?://status\.aws\.amazon\.com/rss/([\w-]+)\.rss(?:[?#].*)?$", re.ASCII)
_GUID = re.compile(r"^(?:.*#)?([^#]+?)_(\d{9,13})$")
_PREFIX = re.compile(r"^\s*([A-Z][A-Za-z ]{3,40}?)\s*:\s*")
_IMPACTS = {
    "informational message": Impact.MINOR,
    "performance issues": Impact.MAJOR,
    "service degradation": Impact.MAJOR,
    "service impact": Impact.MAJOR,
    "service disruption": Impact.CRITICAL,
    "service is operating normally": Impact.NONE,
}
# As the maker, before the first item, or in a guid: on a bad day the prose of half the world's status feeds names AWS' page.
_OURS = re.compile(
    r"(?:(?!<item\b|<entry\b).)*?(?:AWS Service Health Dashboard|Amazon Web Services Service Status"
    r"|<link>\s*https?://status\.aws\.amazon\.com/?\s*</link>)"
    r"|.*?<guid[^<>]*>\s*(?:<!\[CDATA\[)?\s*https?://status\.aws\.amazon\.com/#",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(
    frozen=True, slots=True, kw_only=True, eq=False
)  # told apart by identity: quick keys of what is remembered
class _Item:
    """One item, taken apart: `service` is the slug with region that chains are made of."""

    guid: str
    service: str
    at: datetime
    title: str
    text: str
    impact: Impact
    is_last: bool
    unknown: tuple[str, ...]


_ITEMS: Memo[_Item] = Memo(2 * 1024 * 1024)
_EVENTS: Memo[Observation] = Memo(1024 * 1024)


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The events that the feed's items make up, the one spoken of last first."""
    found = feed.read(payload)
    own = _service_of(payload.url)
    items, bad = [], []
    for index, entry in enumerate(found.entries):
        try:
            items.append(_recalled(entry, own))
        except ParseError as exc:
            bad.append(f"item {index}: {exc}")
    chains = sorted(_chains(items), key=lambda chain: chain[-1].at, reverse=True)
    observations = read_each(chains, lambda chain: _event(chain, spec), spec, "event")
    if found.is_cut:
        bad.append("the document ends before it is closed")
    if bad:
        raise ParseError("; ".join(bad[:3]), partial=observations)
    return observations


def recognises(payload: Payload) -> bool:
    """True for a feed that names AWS' status page as its maker, or was fetched there."""
    is_there = _ADDRESS.match(payload.url) is not None
    return feed.is_feed(payload) and (is_there or _OURS.match(decode(payload)[:4000]) is not None)


def _service_of(url: str) -> str:
    """The service that a feed of one service tells of, by its address; nothing for the feed of all."""
    found = _ADDRESS.match(url)
    return "" if not found or found[1] == "all" else found[1]


def _recalled(entry: feed.Entry, own: str) -> _Item:
    """What an entry says, read once. Raises ParseError for one that makes no sense, each time."""
    known = _ITEMS.find((entry, own))
    if known:
        return known
    item = _item(entry, own)
    return _ITEMS.keep((entry, own), item, 800 + sys.getsizeof(item.text))


def _item(entry: feed.Entry, own: str) -> _Item:
    """Raises ParseError for an item that neither its guid nor its date places in time."""
    guid = _GUID.match(entry.id)
    at = (when(guid[2]) if guid else None) or entry.published_at
    if at is None:
        raise ParseError(f'"{entry.title[:60]}" has no time')
    prefix = _PREFIX.match(entry.title)
    state = prefix[1].casefold() if prefix else ""
    unknown: list[str] = []
    if prefix and state not in _IMPACTS:
        note(unknown, "state", prefix[1])
    return _Item(
        guid=entry.id or f"{fingerprint(entry.title)}@{at.timestamp():.0f}",
        service=line(guid[1], max_chars=120) if guid else own or fingerprint(entry.id or entry.title),
        at=at,
        title=entry.title[prefix.end() :] if prefix and state in _IMPACTS else entry.title,
        text=plain(entry.html),
        impact=_IMPACTS.get(state, Impact.CRITICAL if unknown else Impact.MAJOR),
        is_last=is_resolved(entry.title) or _IMPACTS.get(state) is Impact.NONE,
        unknown=tuple(unknown),
    )


def _chains(items: Iterable[_Item]) -> list[list[_Item]]:
    """Items of one service, oldest first, cut into events."""
    by_service: dict[str, list[_Item]] = {}
    for item in sorted(items, key=lambda item: item.at):
        by_service.setdefault(item.service, []).append(item)
    chains: list[list[_Item]] = []
    for queue in by_service.values():
        chains.append([queue[0]])
        for before, item in pairwise(queue):
            # A second [RESOLVED] belongs to the event that the first one ended.
            is_next = item.at - before.at > GAP_MAX or (before.is_last and not item.is_last)
            if is_next:
                chains.append([])
            chains[-1].append(item)
    return chains


def _event(chain: list[_Item], spec: Spec) -> Observation:
    """What a chain means, made once for the same items."""
    key = (spec.provider, *chain)
    known = _EVENTS.find(key)
    if known:
        return known
    found = _observation(chain, spec)
    return _EVENTS.keep(key, found, size_of(found))


def _observation(chain: list[_Item], spec: Spec) -> Observation:
    first, last = chain[0], chain[-1]
    region = region_of(first.service)
    component = component_of(first.service)
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=f"{first.service}_{first.at.timestamp():.0f}",
        is_native=False,
        title=headline(last.title),
        status=Status.RESOLVED if last.is_last else Status.INVESTIGATING,
        impact=last.impact,
        began_at=first.at,
        ended_at=last.at if last.is_last else None,
        updated_at=last.at,
        url=HOME,
        places=places_of(spec.provider, [component] if component else [], [region] if region else []),
        updates=timeline([_update(item) for item in chain], newest_first=False, derived_ids=False),
        chain=first.service,
        may_lapse=True,
        unknown_words=tuple(dict.fromkeys(word for item in chain for word in item.unknown)),
    )


def _update(item: _Item) -> Update:
    return Update(
        id=item.guid, text=item.text, posted_at=item.at, status=Status.RESOLVED if item.is_last else None
    )


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("AWS, `status.aws.amazon.com/rss/all.rss`", "the feeds of single services beside it"),
        identity="none: items of one service and region form a chain, cut by `[RESOLVED]` or a day of silence; the guid"
        " names the update",
        resolution="`[RESOLVED]` in the title, which most events never get; then a day of silence",
        lost="the end of most events; which of two events of one service an item belongs to",
        tested="a capture of 2026; feeds of single services from documentation",
    ),
)
