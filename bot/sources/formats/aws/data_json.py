"""https://status.aws.amazon.com/data.json: AWS' old dashboard. It is dead since 2023, and lives on in recordings and replays.

An item is one service's part of an event. Its only key is service and start, and the start moves; so updates are named by
service and time alone, and `chain` says which keys may be one event. Its updates are HTML with clock times, the day given only
where it is not the start's. Once archived, an item is over, whatever its status number (the peak) says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Status
from bot.errors import ParseError
from bot.sources.formats.aws import HOME, component_of, headline, impact_of, is_resolved, region_of
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, places_of, read_each, record, timeline
from bot.sources.reading.text import HTML_MAX_CHARS, ident, load_json, plain
from bot.sources.reading.times import moment, month_of, offset_of, stamp, when

NAME = "aws-data-json"
_SPAN = re.compile(r"<span[^<>]{0,100}>([^<>]{1,60})</span>(?:&nbsp;)?", re.IGNORECASE)
_CLOCK = re.compile(
    r"\s*(?:([A-Z][a-z]{2,8})\s+(\d{1,2})\s*,\s*)?(\d{1,2}):(\d{2})\s*([AP]M)\s*([A-Z]{2,4})?\s*", re.ASCII
)
_PACIFIC = timedelta(hours=-8)
_DISORDER = timedelta(hours=6)  # a clock that steps back by less is bad order, by more it is the next day
_DAY = timedelta(days=1)


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The items of `current`, then those of `archive`."""
    body = record(load_json(payload), "the body")
    lists = [(False, body.get("current")), (True, body.get("archive"))]
    if not any(isinstance(found, list) for _, found in lists):
        raise ParseError("the body has neither a current list nor an archive")
    items = [(is_old, item) for is_old, found in lists for item in members(found)]
    return read_each(items, lambda pair: _observation(*pair, spec), spec, "item")


def recognises(payload: Payload) -> bool:
    """True for an object with both lists."""
    try:
        body = load_json(payload)
    except ParseError:
        return False
    return (
        isinstance(body, dict)
        and isinstance(body.get("archive"), list)
        and isinstance(body.get("current"), list)
    )


def _observation(is_old: bool, item: object, spec: Spec) -> Observation:
    raw = record(item, "it")
    service, date = ident(raw.get("service")), ident(raw.get("date"))
    began_at = when(date)
    if not service or began_at is None:
        raise ParseError(f'"{headline(raw.get("summary"))[:60]}" has no service or no readable date')
    unknown: list[str] = []
    impact = impact_of(raw.get("status"), unknown)
    is_over = is_old or is_resolved(raw.get("summary")) or str(raw.get("status")).strip() == "0"
    updates = _updates(raw, service, began_at)
    region = region_of(service)
    component = component_of(service, raw.get("service_name"))
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=f"{service}@{date}",
        is_native=False,
        title=headline(raw.get("summary")),
        status=Status.RESOLVED if is_over else Status.INVESTIGATING,
        impact=impact,
        began_at=began_at,
        updated_at=max((u.posted_at for u in updates if u.posted_at), default=None),
        url=HOME,
        places=places_of(spec.provider, [component] if component else [], [region] if region else []),
        updates=timeline(updates, newest_first=False, derived_ids=True),
        chain=service,
        unknown_words=tuple(unknown),
    )


def _updates(raw: Mapping[str, object], service: str, began_at: datetime) -> list[Update]:
    description = raw.get("description")
    if not isinstance(description, str):
        return []
    description = description[: 8 * HTML_MAX_CHARS]
    heads = [(span, clock) for span in _SPAN.finditer(description) if (clock := _CLOCK.fullmatch(span[1]))]
    if not heads:
        text = plain(description)
        return [Update(id=f"{service}@{stamp(began_at)}", text=text, posted_at=began_at)] if text else []
    ends = [span.start() for span, _ in heads[1:]] + [len(description)]
    updates, last = [], None
    for (span, clock), end in zip(heads, ends, strict=True):
        last = _moment(clock, began_at, last or began_at) or last
        text = plain(description[span.end() : end])
        updates.append(Update(id=f"{service}@{stamp(last)}", text=text, posted_at=last))
    return updates


def _moment(clock: re.Match[str], began_at: datetime, last: datetime) -> datetime | None:
    """When a clock time was: on the day it names, else the start's, or the next one when the clock ran over midnight."""
    named = offset_of(clock[6]) if clock[6] else None
    offset = _PACIFIC if named is None else named
    time = timedelta(hours=int(clock[3]) % 12 + (12 if clock[5] == "PM" else 0), minutes=int(clock[4]))
    local = began_at + offset
    month = month_of(clock[1]) if clock[1] else None
    if month:
        years = [moment(local.year + step, month, int(clock[2]), time, offset) for step in (-1, 0, 1)]
        return min((at for at in years if at), key=lambda at: abs(at - began_at), default=None)
    at = moment(local.year, local.month, local.day, time, offset)
    while at and at < last - _DISORDER:
        at += _DAY
    return at


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    may_be_empty=False,
    body_max_bytes=8 * 1024 * 1024,
    about=About(
        vendors=("AWS's dashboard until 2023, `data.json`; recordings only",),
        identity="none: service and start, and the start moves while it is open; one incident per service",
        resolution="`[RESOLVED]`, or it moved to the archive",
        lost="dates of updates, but for their clock times; one event is up to eleven incidents",
        tested="captures of 2020 to 2023",
    ),
)
